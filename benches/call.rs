//! Question: how long is a call, from the request to the answer, inside a node?
//!
//! Between two Lua services (`skynet.call` and `skynet.retpack` of a small argument) and between
//! two native services, with one worker and with more workers than a pair can use. This is *not*
//! the throughput of a loaded node: one pair at a time runs here.

mod common;

use common::Bench;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ironsky::app::App;
use ironsky::config::Config;
use ironsky::message::{Address, Kind, Message, Session};
use ironsky::node::Context;
use ironsky::service::Service;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const DRIVER: &str = r#"
local skynet = require "skynet"
require "skynet.manager"

skynet.start(function()
	local echo = skynet.newservice "answerer"
	skynet.dispatch("lua", function(_, _, times)
		for i = 1, times do
			skynet.call(echo, "lua", i)
		end
		skynet.retpack()
	end)
	skynet.register ".driver"
end)
"#;

const ANSWERER: &str = r#"
local skynet = require "skynet"

skynet.start(function()
	skynet.dispatch("lua", function(_, _, ...)
		skynet.retpack(...)
	end)
end)
"#;

/// Sends requests one after the other until enough are answered.
struct Asker {
    context: Context,
    answerer: Address,
    left: u64,
    done: Sender<()>,
}

impl Asker {
    fn ask(&mut self) {
        let session = self.context.next_session();
        let request = Message::empty(self.context.address(), session, Kind::TEXT);
        let _ = self.context.send(self.answerer, request);
    }
}

impl Service for Asker {
    /// A text says how often; an answer asks for the next request.
    fn dispatch(&mut self, message: Message) {
        if message.kind == Kind::TEXT {
            let bytes = message.payload.as_bytes().try_into().expect("eight bytes");
            self.left = u64::from_ne_bytes(bytes);
        }
        if self.left == 0 {
            // The bench may have ended.
            let _ = self.done.send(());
            return;
        }
        self.left -= 1;
        self.ask();
    }
}

struct Answerer(Context);

impl Service for Answerer {
    fn dispatch(&mut self, message: Message) {
        self.0.respond(&message, "");
    }
}

fn native_app(threads: &str) -> (App, Receiver<()>) {
    let (done, finished) = channel();
    let pairs = [("harbor", "0"), ("thread", threads), ("bootstrap", "answerer")];
    let app = App::new(Config::from_pairs(pairs).expect("the settings are right"))
        .service("logger", |context, _| Ok(Box::new(Answerer(context.clone()))))
        .service("answerer", |context, _| Ok(Box::new(Answerer(context.clone()))))
        .service("asker", move |context, _| {
            let (context, done) = (context.clone(), done.clone());
            Ok(Box::new(Asker { context, answerer: Address::new(2), left: 0, done }))
        });
    (app, finished)
}

/// One round trip of the messages of two native services.
fn native(c: &mut Criterion) {
    let mut group = c.benchmark_group("call, native services");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    for threads in ["1", "2", "8"] {
        let (app, finished) = native_app(threads);
        let running = app.start().expect("the node starts");
        let asker = running.node().launch("asker", None).expect("the asker starts");
        let caller = running.node().caller().expect("the node runs");
        group.bench_function(BenchmarkId::new("threads", threads), |b| {
            b.iter_custom(|times| {
                let begin = Instant::now();
                let mut go = Message::empty(caller.context().address(), Session::NONE, Kind::TEXT);
                go.payload = times.to_ne_bytes().as_slice().into();
                caller.context().send(asker, go).expect("the asker lives");
                finished.recv().expect("the asker lives");
                begin.elapsed()
            });
        });
    }
    group.finish();
}

/// One `skynet.call`.
fn lua(c: &mut Criterion) {
    let mut group = c.benchmark_group("call, Lua services");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    for (threads, profile) in [("1", "true"), ("1", "false"), ("2", "true"), ("8", "true")] {
        let settings = [("thread", threads), ("profile", profile)];
        let services = [("driver", DRIVER), ("answerer", ANSWERER)];
        let bench = Bench::start(&settings, &services);
        let id = BenchmarkId::new(format!("profile = {profile}, threads"), threads);
        group.bench_function(id, |b| b.iter_custom(|times| bench.drive(times)));
    }
    group.finish();
}

criterion_group!(benches, native, lua);
criterion_main!(benches);
