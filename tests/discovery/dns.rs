//! `skynet.dns`, and discovery through it, with a real name server (dnsmasq).

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::common::nodes::{Node, Runtime, free_ports};
use super::common::wait_until;
use super::engine::Engine;
use super::member::Member;

/// A name server for the domain `test`.
struct NameServer {
    engine: Engine,
    port: u16,
    dir: TempDir,
}

impl NameServer {
    /// Starts one with lines of dnsmasq's configuration; `None` when dnsmasq is not installed.
    fn start(port: u16, lines: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let engine = Self::launch(&dir, port, lines)?;
        let server = Self { engine, port, dir };
        server.wait_until_it_answers();
        Some(server)
    }

    fn launch(dir: &TempDir, port: u16, lines: &str) -> Option<Engine> {
        let file = dir.path().join("dnsmasq.conf");
        let text = format!(
            "port={port}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\n\
             local=/test/\nuser=\npid-file=\nlocal-ttl=1\n{lines}"
        );
        fs::write(&file, text).unwrap();
        let file = format!("--conf-file={}", file.display());
        Engine::start(Command::new("dnsmasq").args(["--no-daemon", &file]))
    }

    /// A connection is taken as soon as questions are.
    fn wait_until_it_answers(&self) {
        wait_until(|| std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    /// Starts it again with other names.
    fn change(&mut self, lines: &str) {
        self.engine.kill();
        self.engine = Self::launch(&self.dir, self.port, lines).unwrap();
        self.wait_until_it_answers();
    }
}

fn source(server: u16, more: &str) -> String {
    format!("cluster_discovery = 'dns:test?server=127.0.0.1:{server}{more}'\n")
}

/// The record that tells where a member is.
fn service(name: &str, member: &Member) -> String {
    format!(
        "srv-host=_ironsky._tcp.{name}.test,host.test,{}\nhost-record=host.test,127.0.0.1\n",
        member.port
    )
}

#[test]
fn skynet_dns_understands_a_real_name_server() {
    let [port] = free_ports();
    let mut lines = String::from(
        "host-record=one.test,192.0.2.1,2001:db8::1,7
host-record=mail.test,192.0.2.2
cname=alias.test,one.test
srv-host=_ironsky._tcp.db.test,one.test,7100,1,5
srv-host=_ironsky._tcp.db.test,mail.test,7200,2
",
    );
    for last in 1..=100 {
        lines += &format!("host-record=many.test,198.51.100.{last}\n");
    }
    let Some(_server) = NameServer::start(port, &lines) else { return };
    let config = format!("harbor = 0\ndns_port = {port}\n");
    Node::start(&Runtime::Ours, "dns_client", &config).expect_pass("skynet.dns");
}

#[test]
fn nodes_are_where_their_service_records_say() {
    let [port] = free_ports();
    let (red, blue) =
        (Member::start("red", &source(port, "")), Member::start("blue", &source(port, "")));
    let Some(mut server) = NameServer::start(port, &service("blue", &blue)) else { return };
    assert_eq!(red.ask("call blue echo 1"), "true blue 1");
    let error = red.fail("call nobody echo");
    assert!(error.contains("node nobody failed"), "{error}");
    assert!(error.contains("_ironsky._tcp.nobody.test has no SRV record"), "{error}");
    let error = red.fail("announce");
    assert!(error.contains("cannot announce"), "{error}");
    // The node moves to another port, and goes.
    let moved = Member::start("moved", "");
    server.change(&service("blue", &moved));
    red.ask_until("call blue echo 2", "true moved 2");
    server.change("");
    red.node.wait_for("node blue is at no address any more");
    let error = red.fail("call blue echo");
    assert!(
        error.contains("node blue is gone: _ironsky._tcp.blue.test has no SRV record"),
        "{error}"
    );
    server.change(&service("blue", &blue));
    red.ask_until("call blue echo 3", "true blue 3");
}

#[test]
fn nodes_are_hosts_with_one_port() {
    let [port] = free_ports();
    let red = Member::start("red", "");
    let blue = Member::start("blue", &source(port, &format!("&port={}", red.port)));
    let Some(_server) = NameServer::start(port, "host-record=red.test,127.0.0.1\n") else { return };
    assert_eq!(blue.ask("call red echo 1"), "true red 1");
    let error = blue.fail("call green echo");
    assert!(error.contains("green.test has neither an A nor an AAAA record"), "{error}");
}

#[test]
fn known_nodes_go_on_while_the_name_server_is_away() {
    let [port] = free_ports();
    let (red, blue) = (Member::start("red", &source(port, "")), Member::start("blue", ""));
    let lines = service("blue", &blue);
    let Some(mut server) = NameServer::start(port, &lines) else { return };
    assert_eq!(red.ask("call blue echo 1"), "true blue 1");
    server.engine.kill();
    let error = red.fail("call green echo");
    assert!(error.contains("node green") && error.contains("name server: no answer"), "{error}");
    red.node.wait_for(": name server: no answer about");
    assert_eq!(red.ask("call blue echo 2"), "true blue 2");
    server.change(&lines);
    red.node.wait_for("answers again");
    assert_eq!(red.ask("call blue echo 3"), "true blue 3");
}
