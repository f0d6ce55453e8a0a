//! Question: what does it cost to start a service and to end it again?
//!
//! A Lua service (`skynet.newservice` of a small script, then `skynet.kill`) and a native one. The
//! scripts are compiled already: this is *not* the start of the first service of its kind, and
//! says nothing about memory.

mod common;

use common::Bench;
use criterion::{Criterion, criterion_group, criterion_main};
use ironsky::app::App;
use ironsky::config::Config;
use ironsky::message::Message;
use ironsky::service::Service;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const DRIVER: &str = r#"
local skynet = require "skynet"
require "skynet.manager"

skynet.start(function()
	skynet.dispatch("lua", function(_, _, times)
		for _ = 1, times do
			skynet.kill(skynet.newservice "small")
		end
		skynet.retpack()
	end)
	skynet.register ".driver"
end)
"#;

const SMALL: &str = r#"
local skynet = require "skynet"

skynet.start(function()
	skynet.dispatch("lua", function(_, _, ...)
		skynet.retpack(...)
	end)
end)
"#;

struct Idle;

impl Service for Idle {
    fn dispatch(&mut self, _message: Message) {}
}

fn native(c: &mut Criterion) {
    let pairs = [("harbor", "0"), ("thread", "2"), ("bootstrap", "idle")];
    let app = App::new(Config::from_pairs(pairs).expect("the settings are right"))
        .service("logger", |_, _| Ok(Box::new(Idle)))
        .service("idle", |_, _| Ok(Box::new(Idle)));
    let running = app.start().expect("the node starts");
    let node = running.node();
    c.bench_function("spawn/native service", |b| {
        b.iter(|| {
            let idle = node.launch("idle", None).expect("it starts");
            node.scheduler().retire(idle)
        });
    });
}

fn lua(c: &mut Criterion) {
    let mut group = c.benchmark_group("spawn");
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    for threads in ["1", "2"] {
        let services = [("driver", DRIVER), ("small", SMALL)];
        let bench = Bench::start(&[("thread", threads)], &services);
        let id = format!("Lua service, thread = {threads}");
        group.bench_function(id, |b| b.iter_custom(|times| bench.drive(times)));
    }
    group.finish();
}

criterion_group!(benches, native, lua);
criterion_main!(benches);
