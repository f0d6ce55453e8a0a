//! Discovery through a real etcd.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;

use tempfile::TempDir;

use super::common::nodes::free_ports;
use super::common::{DEADLINE, wait_until};
use super::engine::Engine;
use super::member::Member;

/// Certificates for 127.0.0.1.
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/tls");

/// A server of its own for a test; it also takes TLS on a second port.
struct Etcd {
    engine: Engine,
    port: u16,
    tls_port: u16,
    peer: u16,
    dir: TempDir,
}

impl Etcd {
    /// `None` when etcd is not installed.
    fn start() -> Option<Self> {
        let ([port, tls_port, peer], dir) = (free_ports(), tempfile::tempdir().unwrap());
        let engine = Self::launch(&dir, port, tls_port, peer)?;
        let etcd = Self { engine, port, tls_port, peer, dir };
        etcd.wait_until_it_answers();
        Some(etcd)
    }

    fn launch(dir: &TempDir, port: u16, tls_port: u16, peer: u16) -> Option<Engine> {
        let client = format!("http://127.0.0.1:{port},https://127.0.0.1:{tls_port}");
        let peer = format!("http://127.0.0.1:{peer}");
        let pem = |name: &str| format!("{}/{name}.pem", VECTORS);
        Engine::start(
            Command::new("etcd")
                .arg("--data-dir")
                .arg(dir.path().join("data"))
                .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
                .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
                .args(["--cert-file", &pem("server"), "--key-file", &pem("server-key")])
                .args(["--initial-cluster", &format!("default={peer}"), "--log-level", "error"]),
        )
    }

    fn wait_until_it_answers(&self) {
        wait_until(|| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            self.try_post("/v3/kv/range", r#"{"key":"AA=="}"#)
                .is_some_and(|text| text.contains("revision"))
        });
    }

    fn start_again(&mut self) {
        self.engine = Self::launch(&self.dir, self.port, self.tls_port, self.peer).unwrap();
        self.wait_until_it_answers();
    }

    fn try_post(&self, path: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        stream.set_read_timeout(Some(DEADLINE)).ok()?;
        let length = body.len();
        let head =
            format!("POST {path} HTTP/1.0\r\nhost: etcd\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    fn post(&self, path: &str, body: &str) -> String {
        let answer = self.try_post(path, body).unwrap();
        assert!(answer.contains(" 200 OK"), "{path}: {answer}");
        answer
    }

    /// All keys, still encoded, as etcd lists them.
    fn keys(&self) -> String {
        self.post("/v3/kv/range", r#"{"key":"AA==","range_end":"AA=="}"#)
    }

    /// The line of the config that names it, with a time to live in seconds.
    fn config(&self, ttl: u32) -> String {
        let port = self.port;
        format!("cluster_discovery = 'etcd:http://127.0.0.1:{port}/ironsky/nodes?ttl={ttl}'\n")
    }
}

#[test]
fn three_nodes_find_each_other_without_a_file() {
    let Some(etcd) = Etcd::start() else { return };
    let config = etcd.config(10);
    let members = ["red", "green", "blue"].map(|name| Member::announced(name, &config));
    for from in &members {
        for to in ["red", "green", "blue"] {
            assert_eq!(from.ask(&format!("call {to} echo hello")), format!("true {to} hello"));
        }
    }
    let shown = members[0].ask("console");
    assert!(shown.contains("etcd:http://127.0.0.1:"), "{shown}");
}

#[test]
fn a_name_that_nobody_has_is_an_error_at_once() {
    let Some(etcd) = Etcd::start() else { return };
    let member = Member::start("red", &etcd.config(10));
    let error = member.fail("call nobody echo");
    assert!(error.contains("cluster call to node nobody failed"), "{error}");
    assert!(error.contains("there is no key /ironsky/nodes/nobody in etcd"), "{error}");
    // What is denied is denied for a short time only.
    let _nobody = Member::announced("nobody", &etcd.config(10));
    member.ask_until("call nobody echo", "true nobody");
}

#[test]
fn a_killed_node_expires_and_comes_back_on_another_port() {
    let Some(etcd) = Etcd::start() else { return };
    let config = etcd.config(4);
    let red = Member::announced("red", &config);
    let mut blue = Member::announced("blue", &config);
    assert_eq!(red.ask("call blue echo 1"), "true blue 1");
    let hanging = red.begin("call blue hang");
    blue.node.wait_for("HANGS");
    blue.node.kill();
    let error = hanging.answer();
    assert!(error.starts_with("false ") && error.contains("node blue"), "{error}");
    red.node.wait_for("node blue is at no address any more");
    let error = red.fail("call blue echo");
    assert!(error.contains("node blue is gone: there is no key"), "{error}");
    let blue = Member::announced("blue", &config);
    let time = red.ask_until("call blue echo 2", "true blue 2");
    eprintln!("a node was called {time:?} after it had come back");
    assert_eq!(red.node.read("log").matches("node blue is at 127.0.0.1").count(), 1);
    drop(blue);
}

#[test]
fn a_node_may_come_back_before_its_key_has_expired() {
    let Some(etcd) = Etcd::start() else { return };
    let config = etcd.config(3);
    let red = Member::announced("red", &config);
    let mut blue = Member::announced("blue", &config);
    assert_eq!(red.ask("call blue echo 1"), "true blue 1");
    blue.node.kill();
    // Waits for the key of the dead node, and has it then.
    let blue = Member::announced("blue", &config);
    blue.node.wait_for("refused to announce node blue");
    red.ask_until("call blue echo 2", "true blue 2");
}

#[test]
fn calls_to_a_frozen_node_end_when_its_key_expires() {
    let Some(etcd) = Etcd::start() else { return };
    let config = etcd.config(4);
    let (red, blue) = (Member::announced("red", &config), Member::announced("blue", &config));
    let hanging = red.begin("call blue hang");
    blue.node.wait_for("HANGS");
    blue.node.signal("STOP");
    let error = hanging.answer();
    assert!(error.contains("node blue") && error.contains("there is no key"), "{error}");
    blue.node.signal("CONT");
    red.ask_until("call blue echo 2", "true blue 2");
}

#[test]
fn what_a_node_has_announced_goes_with_its_orderly_end() {
    let Some(etcd) = Etcd::start() else { return };
    // No key expires while this test runs.
    let config = etcd.config(600);
    let red = Member::announced("red", &config);
    let mut blue = Member::announced("blue", &config);
    assert_eq!(red.ask("call blue echo 1"), "true blue 1");
    assert_eq!(red.ask("withdraw"), "true withdrawn");
    assert!(etcd.keys().contains(r#""count":"1""#), "{}", etcd.keys());
    drop(blue.begin("abort"));
    assert!(blue.node.wait_for_end().success());
    red.node.wait_for("node blue is at no address any more");
    assert!(!etcd.keys().contains("count"), "{}", etcd.keys());
}

#[test]
fn the_second_of_two_nodes_with_one_name_is_refused() {
    let Some(etcd) = Etcd::start() else { return };
    // Long enough for the first one to keep its name on a busy machine.
    let config = etcd.config(10);
    let (first, second) = (Member::announced("red", &config), Member::start("red", &config));
    let error = second.fail("announce");
    for port in [first.port, second.port] {
        assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
    }
    assert!(second.node.read("log").contains("refused to announce node red"));
    let other = Member::start("blue", &config);
    assert_eq!(other.ask("call red echo 1"), "true red 1");
    assert_eq!(first.ask("withdraw"), "true withdrawn");
    assert_eq!(second.ask("announce"), "true announced");
    other.ask_until("call red echo 2", "true red 2");
}

#[test]
fn known_nodes_go_on_while_etcd_is_away() {
    let Some(mut etcd) = Etcd::start() else { return };
    let config = etcd.config(10);
    let (red, blue) = (Member::announced("red", &config), Member::announced("blue", &config));
    assert_eq!(red.ask("call blue echo 1"), "true blue 1");
    etcd.engine.kill();
    let error = red.fail("call green echo");
    assert!(error.contains("node green") && error.contains("etcd http://127.0.0.1"), "{error}");
    red.node.wait_for(&format!(": etcd http://127.0.0.1:{}: ", etcd.port));
    for _ in 0..20 {
        assert_eq!(red.ask("call blue echo 2"), "true blue 2");
    }
    etcd.start_again();
    let _green = Member::announced("green", &config);
    for member in [&red, &blue] {
        member.ask_until("call green echo 3", "true green 3");
        member.node.wait_for("answers again");
    }
    assert_eq!(red.ask("call blue echo 4"), "true blue 4");
}

#[test]
fn a_frozen_etcd_is_noticed_and_read_again() {
    let Some(etcd) = Etcd::start() else { return };
    let config = etcd.config(30);
    let red = Member::announced("red", &config.replace("ttl=30", "ttl=1"));
    let blue = Member::announced("blue", &config);
    assert_eq!(red.ask("call blue echo 1"), "true blue 1");
    etcd.engine.signal("STOP");
    red.node.wait_for(&format!(": etcd http://127.0.0.1:{}: ", etcd.port));
    assert_eq!(red.ask("call blue echo 2"), "true blue 2");
    etcd.engine.signal("CONT");
    red.node.wait_for("answers again");
    assert_eq!(blue.ask("withdraw"), "true withdrawn");
    red.node.wait_for("node blue is at no address any more");
}

#[test]
fn changes_are_seen_across_a_compaction() {
    let Some(etcd) = Etcd::start() else { return };
    let config = etcd.config(10);
    let red = Member::announced("red", &config);
    let blue = Member::announced("blue", &config);
    assert_eq!(red.ask("call blue echo 1"), "true blue 1");
    etcd.post("/v3/kv/put", r#"{"key":"L290aGVy","value":"MQ=="}"#);
    etcd.post("/v3/kv/compaction", r#"{"revision":"4"}"#);
    assert_eq!(blue.ask("withdraw"), "true withdrawn");
    red.node.wait_for("node blue is at no address any more");
    let _blue = Member::announced("blue", &config);
    red.ask_until("call blue echo 2", "true blue 2");
}

#[test]
fn etcd_may_want_a_password() {
    let Some(etcd) = Etcd::start() else { return };
    let root = r#"{"name":"root","password":"s3cret"}"#;
    etcd.post("/v3/auth/user/add", root);
    etcd.post("/v3/auth/role/add", r#"{"name":"root"}"#);
    etcd.post("/v3/auth/user/grant", r#"{"user":"root","role":"root"}"#);
    etcd.post("/v3/auth/enable", "{}");
    let config = etcd.config(10);
    let refused = Member::start("red", &config.replace("127.", "root:wrong@127."));
    let error = refused.fail("announce");
    assert!(error.contains("authentication failed"), "{error}");
    assert!(!refused.node.read("log").contains("wrong"));
    let config = config.replace("127.", "root:s3cret@127.");
    let (red, blue) = (Member::announced("red", &config), Member::announced("blue", &config));
    assert_eq!(red.ask("call blue echo 1"), "true blue 1");
    assert_eq!(blue.ask("withdraw"), "true withdrawn");
    red.node.wait_for("node blue is at no address any more");
}

#[test]
fn etcd_may_want_tls() {
    let Some(etcd) = Etcd::start() else { return };
    let (plain, tls) = (format!("http://127.0.0.1:{}", etcd.port), etcd.tls_port);
    let config = etcd.config(10).replace(&plain, &format!("https://127.0.0.1:{tls}"));
    let suspicious = Member::start("red", &config);
    let error = suspicious.fail("announce");
    assert!(error.contains(&format!("etcd https://127.0.0.1:{tls}: ")), "{error}");
    let config = format!("{config}tls_ca = '{VECTORS}/ca.pem'\n");
    let (red, blue) = (Member::announced("red", &config), Member::announced("blue", &config));
    assert_eq!(red.ask("call blue echo 1"), "true blue 1");
    assert_eq!(blue.ask("withdraw"), "true withdrawn");
    red.node.wait_for("node blue is at no address any more");
}

#[test]
fn the_next_host_is_asked_when_one_does_not_answer() {
    let Some(etcd) = Etcd::start() else { return };
    let [nobody] = free_ports();
    let port = etcd.port;
    let config = etcd.config(10).replace("127.", &format!("127.0.0.1:{nobody},127."));
    assert!(config.contains(&format!("http://127.0.0.1:{nobody},127.0.0.1:{port}/")), "{config}");
    let (red, blue) = (Member::announced("red", &config), Member::announced("blue", &config));
    assert_eq!(red.ask("call blue echo 1"), "true blue 1");
    assert_eq!(blue.ask("withdraw"), "true withdrawn");
    red.node.wait_for("node blue is at no address any more");
}

#[test]
fn an_etcd_that_was_never_there_is_an_error_for_callers_only() {
    let [port] = free_ports();
    let config = format!("cluster_discovery = 'etcd:http://127.0.0.1:{port}/ironsky?ttl=1'\n");
    let (red, blue) = (Member::start("red", &config), Member::start("blue", &config));
    for order in ["call blue echo", "announce"] {
        let error = red.fail(order);
        assert!(error.contains(&format!("etcd http://127.0.0.1:{port}")), "{error}");
    }
    assert!(red.ask(&format!("reload blue 127.0.0.1:{}", blue.port)).starts_with("true"));
    assert_eq!(red.ask("call blue echo 1"), "true blue 1");
    let lines = red.node.read("log");
    assert_eq!(lines.matches("cluster discovery etcd:").count(), 1, "{lines}");
}
