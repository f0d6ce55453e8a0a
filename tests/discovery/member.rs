//! A node under the orders of a test.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use super::common::nodes::{Node, Runtime, free_ports};
use super::common::{DEADLINE, wait_until};

/// A node that runs `tests/networks/member.lua`.
pub(crate) struct Member {
    pub(crate) node: Node,
    pub(crate) port: u16,
    control: u16,
}

/// An order that is on its way.
pub(crate) struct Pending(BufReader<TcpStream>);

impl Pending {
    /// What the member answered.
    #[track_caller]
    pub(crate) fn answer(mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("an answer comes in time");
        line.trim_end().to_owned()
    }
}

impl Member {
    /// Starts a node under a name, with lines for the config.
    pub(crate) fn start(name: &str, config: &str) -> Self {
        let [port, control] = free_ports();
        let config = format!(
            "harbor = 0\nmember = '{name}'\ncluster_port = {port}\n\
             control_port = {control}\n{config}"
        );
        let node = Node::start(&Runtime::Ours, "member", &config);
        node.wait_for("READY");
        Self { node, port, control }
    }

    /// As `start`, and lets it announce itself.
    #[track_caller]
    pub(crate) fn announced(name: &str, config: &str) -> Self {
        let member = Self::start(name, config);
        assert_eq!(member.ask("announce"), "true announced");
        member
    }

    /// Gives an order without waiting for its answer.
    pub(crate) fn begin(&self, order: &str) -> Pending {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.control)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(format!("{order}\n").as_bytes()).unwrap();
        Pending(BufReader::new(stream))
    }

    /// Gives an order; returns "true" and the results, or "false" and the error.
    #[track_caller]
    pub(crate) fn ask(&self, order: &str) -> String {
        self.begin(order).answer()
    }

    /// Gives an order until the answer begins so; returns the time that took.
    #[track_caller]
    pub(crate) fn ask_until(&self, order: &str, wanted: &str) -> Duration {
        let begin = Instant::now();
        wait_until(|| {
            std::thread::sleep(Duration::from_millis(10));
            self.ask(order).starts_with(wanted)
        });
        begin.elapsed()
    }

    /// Gives an order that must fail; returns the error.
    #[track_caller]
    pub(crate) fn fail(&self, order: &str) -> String {
        let answer = self.ask(order);
        answer.strip_prefix("false ").unwrap_or_else(|| panic!("{order}: {answer}")).to_owned()
    }
}
