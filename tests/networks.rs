//! Several nodes together: harbors and clusters, as processes on loopback.
//!
//! The scripts are in `tests/networks/`. With `IRONSKY_REFERENCE=<built checkout of skynet>` the
//! same scripts also run with a node of the reference on either side; without it, the rows that
//! need one say that they were skipped (the tests of the codecs replay captured bytes).

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "networks/security.rs"]
mod security;
#[path = "networks/strangers.rs"]
mod strangers;

use common::nodes::Runtime::Ours;
use common::nodes::{Node, Runtime, free_ports, harbor, pairs};

/// The config of a node with the script `harbor_sleeper`.
fn sleeper(number: usize, ports: &[u16]) -> String {
    format!("{}round = {number}", harbor(number, ports))
}

fn skipped() {
    eprintln!("skipped: nodes of the reference (IRONSKY_REFERENCE is not set)");
}

#[test]
fn harbors_call_each_other() {
    for (one, two) in pairs() {
        let who = format!("harbor 1: {one:?}, harbor 2: {two:?}");
        let ports = free_ports::<3>();
        let server = Node::start(&one, "harbor_server", &harbor(1, &ports));
        server.wait_for("READY");
        let mut client = Node::start(&two, "harbor_client", &harbor(2, &ports));
        client.expect_pass(&format!("{who}\n{}", server.read("log")));
    }
}

#[test]
fn a_call_to_a_killed_harbor_fails_and_it_can_come_back() {
    let ports = free_ports::<3>();
    let watcher = Node::start(&Ours, "harbor_watcher", &harbor(1, &ports));
    watcher.wait_for("Shakehand ready");
    for round in ["1", "2"] {
        let config = format!("{}round = {round}", harbor(2, &ports));
        let mut sleeper = Node::start(&Ours, "harbor_sleeper", &config);
        assert_eq!(watcher.wait_for(&format!("ROUND {round}")), format!("ROUND {round} hello"));
        sleeper.wait_for("HANGS");
        sleeper.kill();
        let failed = watcher.wait_for(&format!("CALL {round}"));
        assert!(failed.starts_with(&format!("CALL {round} false")), "{failed}");
        assert!(failed.contains("call failed: harbor 2: the "), "{failed}");
        watcher.wait_for(&format!("GONE {round}"));
        let late = watcher.wait_for(&format!("LATE {round}"));
        assert!(late.starts_with(&format!("LATE {round} false")), "{late}");
        assert!(late.contains("call failed: harbor 2: the "), "{late}");
    }
}

/// What the table of docs/src/guide/networks.md says of nodes that come back to skynet's.
#[test]
fn a_master_of_the_reference_refuses_a_number_that_it_has_had() {
    let Some(reference) = Runtime::reference() else { return skipped() };
    let ports = free_ports::<3>();
    let master = Node::start(&reference, "harbor_server", &harbor(1, &ports));
    master.wait_for("READY");
    let mut slave = Node::start(&Ours, "harbor_sleeper", &sleeper(2, &ports));
    slave.wait_for("Shakehand ready");
    slave.kill();
    master.wait_for("slave 2 is down");
    slave.start_again();
    slave.wait_for_end();
    slave.wait_for("has closed the connection: is there, or was there, another harbor 2?");
    master.wait_for("Slave 2 already register on 127.0.0.1:");
}

#[test]
fn a_slave_of_the_reference_does_not_look_for_its_master() {
    let Some(reference) = Runtime::reference() else { return skipped() };
    let ports = free_ports::<4>();
    let mut master = Node::start(&Ours, "harbor_server", &harbor(1, &ports));
    master.wait_for("READY");
    let others = [(reference, 2), (Ours, 3)].map(|(runtime, number)| {
        let slave = Node::start(&runtime, "harbor_sleeper", &sleeper(number, &ports));
        slave.wait_for("Shakehand ready");
        slave
    });
    master.kill();
    others[0].wait_for("Master disconnect");
    master.start_again();
    others[1].wait_for("Master is back");
    // It had as long as the other one.
    assert!(!master.read("log").contains("Harbor 2 (fd="), "{}", master.read("log"));
}

#[test]
fn clusters_call_each_other() {
    for (one, two) in pairs() {
        let who = format!("server: {one:?}, client: {two:?}");
        let [server, client] = free_ports();
        let config = format!("harbor = 0\nserver_port = {server}\nclient_port = {client}\n");
        let server = Node::start(&one, "cluster_server", &config);
        server.wait_for("READY");
        let mut client = Node::start(&two, "cluster_client", &config);
        client.expect_pass(&format!("{who}\n{}", server.read("log")));
    }
}
