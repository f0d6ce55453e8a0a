//! A node for benches: Lua services from texts, driven from a Rust thread.

#![allow(dead_code, reason = "each bench uses a part of it")]

use ironsky::app::App;
use ironsky::codec::seri::{Value, encode};
use ironsky::config::Config;
use ironsky::message::{Address, Kind};
use ironsky::node::{Caller, Running};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What nobody waits longer for.
const LIMIT: Duration = Duration::from_secs(60);

/// A node with a Lua service that does something so many times when it is called.
pub(crate) struct Bench {
    driver: Address,
    caller: Caller,
    _running: Running,
    _scripts: TempDir,
}

impl Bench {
    /// Starts a node with these settings and Lua services; the one named `driver` registers itself
    /// as `.driver` and answers a call with a number when it has done its work that many times.
    pub(crate) fn start(settings: &[(&str, &str)], services: &[(&str, &str)]) -> Self {
        let scripts = tempfile::tempdir().expect("there is room for a few files");
        let folder = scripts.path().display().to_string();
        for (name, text) in services {
            let path = scripts.path().join(format!("{name}.lua"));
            std::fs::write(path, text).expect("there is room for a few files");
        }
        let (log, patterns) = (format!("{folder}/log"), format!("{folder}/?.lua"));
        let mut pairs = vec![("harbor", "0"), ("start", "driver"), ("logger", &log)];
        pairs.push(("luaservice", &patterns));
        pairs.extend_from_slice(settings);
        let config = Config::from_pairs(pairs).expect("the settings are right");
        let running = App::new(config).start().expect("the node starts");
        let driver = wait_for_driver(&running);
        let caller = running.node().caller().expect("the node runs");
        Self { driver, caller, _running: running, _scripts: scripts }
    }

    /// Lets the driver work so many times and returns how long that took.
    pub(crate) fn drive(&self, times: u64) -> Duration {
        let times = encode(&[Value::Integer(times as i64)]).expect("a number has a form");
        let begin = Instant::now();
        let answer = self.caller.call(self.driver, Kind::LUA, times.as_slice(), LIMIT);
        answer.expect("the driver answers");
        begin.elapsed()
    }
}

fn wait_for_driver(running: &Running) -> Address {
    let begin = Instant::now();
    loop {
        if let Some(address) = running.node().resolve(".driver") {
            return address;
        }
        assert!(begin.elapsed() < LIMIT, "the driver does not start; see the log");
        std::thread::yield_now();
    }
}
