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
#[path = "faults/run.rs"]
mod run;
#[path = "faults/wires.rs"]
mod wires;

use std::thread;
use std::time::{Duration, Instant};

use common::nodes::Runtime::Ours;
use common::nodes::{Node, Runtime, free_ports};
use common::{Random, seed};
use forwarder::Forwarder;
use run::{Run, Setup, is_full, length, load, now_ms, start_harbor};
use wires::Wires;

fn frozen(name: &'static str, heartbeat: f64) {
    let mut run = Run::cluster(name, &Setup { heartbeat, ..Setup::default() });
    run.callee.signal("STOP");
    thread::sleep(length(2000, 20));
    run.callee.signal("CONT");
    run.returned(now_ms());
    run.finish();
}

/// A slave is killed again and again while another one calls it. What waits for it fails.
#[test]
fn a_slave_that_is_killed_again_and_again() {
    let mut random = Random::new(seed());
    let ports = free_ports::<3>();
    let caller = start_harbor(&Ours, "fault_caller", 1, &ports);
    caller.wait_for("CALLS");
    let callee = start_harbor(&Ours, "fault_callee", 2, &ports);
    callee.wait_for("LISTENS");
    let mut run = Run::with("slave killed", caller, callee, Some("harbor 2"));
    let until = Instant::now() + length(2500, 60);
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
    let mut master = start_harbor(&Ours, "fault_idle", 1, &ports);
    master.wait_for("READY");
    let callee = start_harbor(&Ours, "fault_callee", 2, &ports);
    callee.wait_for("LISTENS");
    let caller = start_harbor(&Ours, "fault_caller", 3, &ports);
    let mut run = Run::with("master killed", caller, callee, Some("harbor 2"));
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
    let until = Instant::now() + length(4000, 300);
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
    let setup = Setup { heartbeat: 0.2, ports: Some([own, seen]), ..Setup::default() };
    let mut run = Run::cluster("network stopped, heartbeat", &setup);
    forwarder.stop(true);
    thread::sleep(length(2000, 30));
    forwarder.stop(false);
    run.returned(now_ms());
    run.finish();
}

#[test]
fn packets_that_are_dropped() {
    let Some(wires) = Wires::new("p") else {
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

/// Without questions of the link, the system's signs of life and what is not acknowledged tell.
#[test]
fn packets_that_are_dropped_on_a_link_without_heartbeat() {
    let Some(wires) = Wires::new("c") else {
        return eprintln!("skipped: network namespaces cannot be made here");
    };
    let setup = Setup { silence: 2, wires: Some(&wires), ..Setup::default() };
    let mut run = Run::cluster("packets dropped, silence 2 s", &setup);
    assert!(wires.forward(false));
    run.history.wait_for_error("Connection timed out");
    assert!(wires.forward(true));
    run.returned(now_ms());
    run.finish();
}

/// The machines of two harbors do not hear of each other. The system's signs of life find that out.
#[test]
fn packets_between_harbors_that_are_dropped() {
    let Some(wires) = Wires::new("h") else {
        return eprintln!("skipped: network namespaces cannot be made here");
    };
    let [master, one, two] = free_ports();
    let silence = if is_full() { 10 } else { 2 };
    let config = |number, address: &str, port| {
        let master = format!("{}:{master}", wires::CALLER);
        let standalone =
            if number == 1 { format!("standalone = '{master}'") } else { String::new() };
        format!(
            "harbor = {number}\naddress = '{address}:{port}'\nmaster = '{master}'\n{standalone}\n\
             harbor_silence = {silence}\n{}",
            load()
        )
    };
    let start = |namespace: &str, script, config: &str| {
        Node::start_in(Some(namespace), &Ours, script, config)
    };
    let caller = start(&wires.caller(), "fault_caller", &config(1, wires::CALLER, one));
    caller.wait_for("CALLS");
    let callee = start(&wires.callee(), "fault_callee", &config(2, wires::CALLEE, two));
    let mut run = Run::with("harbor: packets dropped", caller, callee, Some("harbor 2"));
    assert!(wires.forward(false));
    run.caller.wait_for("slave 2 is down");
    run.callee.wait_for("The master is away");
    thread::sleep(length(1500, 20));
    assert!(wires.forward(true));
    run.returned(now_ms());
    run.finish();
}

/// The reference, or a word that it is not there.
fn reference() -> Option<Runtime> {
    let reference = Runtime::reference();
    if reference.is_none() {
        eprintln!("skipped: nodes of the reference (IRONSKY_REFERENCE is not set)");
    }
    reference
}

/// Kills both sides in turn.
fn killed(name: &'static str, caller: Runtime, callee: Runtime) {
    let mut run = Run::cluster(name, &Setup { caller, callee, ..Setup::default() });
    for _ in 0..3 {
        run.kill_callee(Duration::from_millis(200));
        run.kill_caller();
    }
    run.finish();
}

#[test]
fn both_sides_are_killed_in_turn() {
    killed("caller and callee killed", Ours, Ours);
}

#[test]
fn a_caller_and_a_callee_of_the_reference_are_killed_in_turn() {
    let Some(reference) = reference() else { return };
    killed("ironsky calls skynet, both killed", Ours, reference.clone());
    killed("skynet calls ironsky, both killed", reference, Ours);
}

/// A slave of the reference is killed and comes back to our master.
#[test]
fn a_slave_of_the_reference_is_killed() {
    let Some(reference) = reference() else { return };
    let ports = free_ports::<3>();
    let caller = start_harbor(&Ours, "fault_caller", 1, &ports);
    caller.wait_for("CALLS");
    let callee = start_harbor(&reference, "fault_callee", 2, &ports);
    let mut run =
        Run::with("harbor: ironsky calls skynet, killed", caller, callee, Some("harbor 2"));
    for _ in 0..3 {
        run.kill_callee(Duration::from_millis(200));
    }
    run.finish();
}

/// A master is killed and comes back, and a slave of ours that calls it finds it again.
fn master_that_is_called(name: &'static str, master: &Runtime) {
    let ports = free_ports::<3>();
    let callee = start_harbor(master, "fault_callee", 1, &ports);
    callee.wait_for("LISTENS");
    let caller = start_harbor(&Ours, "fault_caller", 2, &ports);
    let mut run = Run::with(name, caller, callee, Some("harbor 1"));
    for _ in 0..3 {
        run.kill_callee(Duration::from_millis(200));
    }
    run.finish();
}

#[test]
fn a_master_that_is_called_is_killed() {
    master_that_is_called("harbor: called master killed", &Ours);
}

#[test]
fn a_master_of_the_reference_is_killed() {
    let Some(reference) = reference() else { return };
    master_that_is_called("harbor: ironsky calls skynet's master, killed", &reference);
}
