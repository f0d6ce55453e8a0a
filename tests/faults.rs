//! Nodes and networks that fail under load: each run writes down what was asked and what was done,
//! and checks that the links kept their promises (`faults/history.rs`).
//!
//! The runs are short by default. Their full length, with the times to return as a table:
//!
//! ```text
//! IRONSKY_FAULTS=full cargo test --release --test faults -- --nocapture --test-threads 1
//! ```
//!
//! Dropping packets takes network namespaces, so root and `ip`; without them that run says that it
//! was skipped.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "faults/forwarder.rs"]
mod forwarder;
#[path = "faults/history.rs"]
mod history;
#[path = "faults/wires.rs"]
mod wires;

use std::fs::File;
use std::io::Read;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use common::nodes::Runtime::Ours;
use common::nodes::{Node, free_ports, harbor};
use common::{DEADLINE, Random, seed};
use forwarder::Forwarder;
use history::{Entry, check, first_ok_after, read, read_done};
use wires::Wires;

/// Calls a second.
const RATE: u64 = 500;

fn is_full() -> bool {
    std::env::var("IRONSKY_FAULTS").is_ok_and(|text| text == "full")
}

/// How long a fault lasts: in this run, or at full length.
fn length(short_ms: u64, full_s: u64) -> Duration {
    if is_full() { Duration::from_secs(full_s) } else { Duration::from_millis(short_ms) }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// What the caller has written so far.
struct Tail {
    file: File,
    rest: String,
    entries: Vec<Entry>,
}

impl Tail {
    fn update(&mut self) {
        self.file.read_to_string(&mut self.rest).unwrap();
        let end = self.rest.rfind('\n').map_or(0, |end| end + 1);
        self.entries.extend(read(&self.rest[..end]));
        self.rest.drain(..end);
    }

    /// Waits for the first call that succeeds at or after a time; returns how long that took.
    #[track_caller]
    fn wait_for_ok(&mut self, from_ms: u64) -> u64 {
        let until = Instant::now() + DEADLINE;
        loop {
            self.update();
            if let Some(after) = first_ok_after(&self.entries, from_ms) {
                return after;
            }
            assert!(Instant::now() < until, "no call succeeds any more");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A caller and a callee under load.
struct Run {
    name: &'static str,
    caller: Node,
    callee: Node,
    history: Tail,
    /// How long it took until calls succeeded again, after each fault.
    returns_ms: Vec<u64>,
    /// What each error has to hold.
    error: Option<&'static str>,
}

/// How a run is set up.
#[derive(Default)]
struct Setup<'a> {
    /// Seconds between signs of life.
    heartbeat: f64,
    /// The ports of the callee and of what stands in front of it, when that is another one.
    ports: Option<[u16; 2]>,
    wires: Option<&'a Wires>,
}

impl Run {
    fn cluster(name: &'static str, setup: &Setup<'_>) -> Self {
        let [own, seen] = setup.ports.unwrap_or_else(|| {
            let [port] = free_ports();
            [port; 2]
        });
        let host = if setup.wires.is_some() { wires::CALLEE } else { "127.0.0.1" };
        let config = format!("harbor = 0\ndone = 'done'\ncallee = '{host}:{own}'");
        let namespace = setup.wires.map(Wires::callee);
        let callee = Node::start_in(namespace.as_deref(), &Ours, "fault_callee", &config);
        callee.wait_for("LISTENS");
        let heartbeat = setup.heartbeat;
        let config = format!(
            "harbor = 0\nrate = {RATE}\n{CALLS}\n\
             callee = '{host}:{seen}'\ncluster_heartbeat = {heartbeat}"
        );
        let namespace = setup.wires.map(Wires::caller);
        let caller = Node::start_in(namespace.as_deref(), &Ours, "fault_caller", &config);
        Self::with(name, caller, callee, Some("node callee"))
    }

    /// The nodes are there; waits until calls succeed.
    fn with(name: &'static str, caller: Node, callee: Node, error: Option<&'static str>) -> Self {
        caller.wait_for("CALLS");
        let file = File::open(caller.path("history")).unwrap();
        let history = Tail { file, rest: String::new(), entries: Vec::new() };
        let mut run = Self { name, caller, callee, history, returns_ms: Vec::new(), error };
        run.history.wait_for_ok(0);
        run
    }

    /// The fault was over at this time.
    #[track_caller]
    fn returned(&mut self, at_ms: u64) {
        let after = self.history.wait_for_ok(at_ms);
        self.returns_ms.push(after);
    }

    /// Kills the callee, starts it again, and waits until calls succeed.
    #[track_caller]
    fn kill_callee(&mut self, away: Duration) {
        self.callee.kill();
        thread::sleep(away);
        self.callee.start_again();
        let line = self.callee.wait_for("LISTENS");
        self.returned(line.split(' ').nth(1).unwrap().parse().unwrap());
    }

    /// Lets the caller come to its end, after a while in which it finds what is left of the fault,
    /// and checks everything.
    #[track_caller]
    fn finish(mut self) {
        thread::sleep(length(500, 2));
        File::create(self.caller.path("stop")).unwrap();
        self.caller.wait_for("ENDS");
        self.history.update();
        self.callee.kill();
        let done = read_done(&self.callee.read("done"));
        let summary = match check(&self.history.entries, &done, self.error) {
            Ok(summary) => summary,
            Err(broken) => panic!(
                "{}: {} promises broken, such as {:?}\n{}",
                self.name,
                broken.len(),
                &broken[..broken.len().min(10)],
                self.caller.read("log")
            ),
        };
        self.returns_ms.sort_unstable();
        let Self { name, returns_ms, .. } = &self;
        let (median, most) = (returns_ms[returns_ms.len() / 2], returns_ms.last().unwrap());
        assert!(
            !is_full() || *most < 1000,
            "{name}: {returns_ms:?} ms until calls succeeded again"
        );
        println!("{name}: {} faults, return in {median} ms, at most {most} ms", returns_ms.len());
        println!("{summary}");
    }
}

fn frozen(name: &'static str, heartbeat: f64) {
    let mut run = Run::cluster(name, &Setup { heartbeat, ..Setup::default() });
    run.callee.signal("STOP");
    thread::sleep(length(2000, 20));
    run.callee.signal("CONT");
    run.returned(now_ms());
    run.finish();
}

/// The config of a caller.
const CALLS: &str = "history = 'history'\nstop = 'stop'";

fn start_harbor(script: &str, number: usize, ports: &[u16]) -> Node {
    let rest = format!("rate = {RATE}\ndone = 'done'\n{CALLS}");
    let config = harbor(number, ports) + &rest;
    Node::start(&Ours, script, &config)
}

/// A slave is killed again and again while another one calls it. What waits for it fails.
#[test]
fn a_slave_that_is_killed_again_and_again() {
    let mut random = Random::new(seed());
    let ports = free_ports::<3>();
    let caller = start_harbor("fault_caller", 1, &ports);
    caller.wait_for("CALLS");
    let callee = start_harbor("fault_callee", 2, &ports);
    callee.wait_for("LISTENS");
    let mut run = Run::with("slave killed", caller, callee, None);
    let until = Instant::now() + length(3000, 60);
    while Instant::now() < until {
        thread::sleep(Duration::from_millis(random.below(1000) as u64));
        run.kill_callee(Duration::from_millis(random.below(700) as u64));
    }
    run.finish();
}

/// Two slaves go on without their master. When it is back, it knows them and their names again, and
/// can introduce those who come new.
#[test]
fn a_master_that_is_killed_and_comes_back() {
    let ports = free_ports::<4>();
    let mut master = start_harbor("fault_idle", 1, &ports);
    master.wait_for("READY");
    let callee = start_harbor("fault_callee", 2, &ports);
    callee.wait_for("LISTENS");
    let caller = start_harbor("fault_caller", 3, &ports);
    let mut run = Run::with("master killed", caller, callee, None);
    for _ in 0..if is_full() { 10 } else { 1 } {
        master.kill();
        run.caller.wait_for("Master disconnect");
        run.callee.wait_for("Master disconnect");
        let begin = run.history.entries.len();
        run.history.wait_for_ok(now_ms());
        thread::sleep(length(0, 2));
        run.history.update();
        let failed = run.history.entries[begin..].iter().find(|it| !it.event.is_good());
        assert!(failed.is_none(), "{failed:?} while only the master was away");
        master.start_again();
        // It finds the name of the other slave.
        assert_eq!(master.wait_for("CALLED"), "CALLED true 0");
        run.caller.wait_for("Master is back");
        run.kill_callee(Duration::ZERO);
    }
    run.finish();
}

#[test]
fn a_frozen_peer_without_signs_of_life() {
    frozen("peer frozen", 0.0);
}

#[test]
fn a_frozen_peer_with_signs_of_life() {
    frozen("peer frozen, heartbeat", if is_full() { 1.0 } else { 0.2 });
}

#[test]
fn a_peer_that_is_killed_again_and_again() {
    let mut random = Random::new(seed());
    let mut run = Run::cluster("peer killed", &Setup::default());
    let until = Instant::now() + length(5000, 300);
    while Instant::now() < until {
        thread::sleep(Duration::from_millis(random.below(1000) as u64));
        run.kill_callee(Duration::from_millis(random.below(700) as u64));
    }
    run.finish();
}

#[test]
fn a_network_that_lets_nothing_pass() {
    let [own, seen] = free_ports();
    let forwarder = Forwarder::new(seen, own);
    let setup = Setup { heartbeat: 0.2, ports: Some([own, seen]), wires: None };
    let mut run = Run::cluster("network stopped, heartbeat", &setup);
    forwarder.stop(true);
    thread::sleep(length(2000, 30));
    forwarder.stop(false);
    run.returned(now_ms());
    run.finish();
}

#[test]
fn packets_that_are_dropped() {
    let Some(wires) = Wires::new() else {
        return eprintln!("skipped: network namespaces cannot be made here");
    };
    let heartbeat = if is_full() { 1.0 } else { 0.2 };
    let setup = Setup { heartbeat, wires: Some(&wires), ..Setup::default() };
    let mut run = Run::cluster("packets dropped, heartbeat", &setup);
    assert!(wires.forward(false));
    thread::sleep(length(3000, 30));
    assert!(wires.forward(true));
    run.returned(now_ms());
    run.finish();
}
