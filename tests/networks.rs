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
use common::nodes::{Node, free_ports, harbor, pairs};

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
