//! Question: what does it cost to read a shared table, against a plain table of the service?
//!
//! One field, one array item and a walk over a small table, through each of the modules, after the
//! first touch; and the first touch of a table that nobody has read. The loops of all lines are
//! the same. This is *not* what sharing is for: for memory and for the time of an update see
//! `benches/lua/library.lua`.

mod common;

use common::Bench;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What comes before each driver: the same data as a plain table and through each module.
const TABLES: &str = r#"
local skynet = require "skynet"
require "skynet.manager"
local sharedata = require "skynet.sharedata"
local sharetable = require "skynet.sharetable"
local builder = require "skynet.datasheet.builder"
local datasheet = require "skynet.datasheet"

local data = { list = {}, record = { id = 1, name = "name", hp = 7, speed = 3 } }
for i = 1, 100 do
	data.list[i] = i
end

local tables = {
	plain = function() return data end,
	sharedata = function()
		sharedata.update("data", data)
		return sharedata.query "data"
	end,
	sharetable = function()
		sharetable.loadtable("data", data)
		return sharetable.query "data"
	end,
	datasheet = function()
		if not pcall(builder.update, "data", data) then
			builder.new("data", data)
		end
		return datasheet.query "data"
	end,
}
"#;

/// What comes behind: the driver, with the table that it is about.
const DRIVER: &str = r#"
skynet.start(function()
	local t = tables[skynet.getenv "table"]()
	skynet.dispatch("lua", function(_, _, times)
		work(times, t)
		skynet.retpack()
	end)
	skynet.register ".driver"
end)
"#;

const WORKS: [(&str, &str); 4] = [
    (
        "field",
        "local function work(times, t)
            local record, sum = t.record, 0
            for _ = 1, times do sum = sum + record.hp end
        end",
    ),
    (
        "two levels",
        "local function work(times, t)
            local sum = 0
            for _ = 1, times do sum = sum + t.record.hp end
        end",
    ),
    (
        "item",
        "local function work(times, t)
            local list, sum = t.list, 0
            for i = 1, times do sum = sum + list[i % 100 + 1] end
        end",
    ),
    (
        "walk over 4 fields",
        "local function work(times, t)
            local count = 0
            for _ = 1, times do for _ in pairs(t.record) do count = count + 1 end end
        end",
    ),
];

const FIRST_TOUCH: &str = "
local native = require 'skynet.shared.native'
local tree = native.build(data, 'table')
local makers = {
    plain = function() return { record = { id = 1, name = 'name', hp = 7, speed = 3 } } end,
    sharedata = function() return native.view(tree, 'data') end,
    sharetable = function() return native.view(tree, 'table') end,
    datasheet = function() return native.sheet(tree) end,
}
local function work(times)
    local make, sum = makers[skynet.getenv 'table'], 0
    for _ = 1, times do sum = sum + make().record.hp end
end";

fn measure(c: &mut Criterion, name: &str, work: &str) {
    let mut group = c.benchmark_group(format!("shared, {name}"));
    group.sample_size(20).measurement_time(Duration::from_secs(2));
    let driver = format!("{TABLES}{work}{DRIVER}");
    for table in ["plain", "sharedata", "sharetable", "datasheet"] {
        let bench = Bench::start(&[("thread", "1"), ("table", table)], &[("driver", &driver)]);
        bench.drive(100);
        group.bench_function(BenchmarkId::from_parameter(table), |b| {
            b.iter_custom(|times| bench.drive(times));
        });
    }
    group.finish();
}

fn reads(c: &mut Criterion) {
    for (name, work) in WORKS {
        measure(c, name, work);
    }
}

fn first_touch(c: &mut Criterion) {
    measure(c, "first touch of a root and a record", FIRST_TOUCH);
}

criterion_group!(benches, reads, first_touch);
criterion_main!(benches);
