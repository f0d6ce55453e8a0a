//! Turns what the scheduler reports into log lines. Spec: runtime appendix A.

use std::sync::Weak;

use super::Node;
use crate::message::{Address, Message};
use crate::sched::{Endless, Reports};

/// The node as the scheduler's listener.
pub(super) struct NodeReports {
    node: Weak<Node>,
}

impl NodeReports {
    pub(super) fn new(node: Weak<Node>) -> Self {
        Self { node }
    }

    fn log(&self, source: Address, line: &str) {
        if let Some(node) = self.node.upgrade() {
            node.log(source, line.as_bytes());
        }
    }
}

impl Reports for NodeReports {
    fn overload(&self, service: Address, length: usize) {
        self.log(service, &format!("error: May overload, message queue length = {length}"));
    }

    fn endless(&self, message: &Endless) {
        let Endless { source, service, version, elapsed, doing } = message;
        let line = format!(
            "error: A message from [ {source} ] to [ {service} ] maybe in an endless loop \
             (version = {version}), for {:.1} s{}",
            elapsed.as_secs_f64(),
            doing.as_deref().unwrap_or(", not in Lua code"),
        );
        self.log(Address::NOBODY, &line);
    }

    fn panicked(&self, service: Address, what: &str) {
        self.log(service, &format!("error: the service panicked and was retired: {what}"));
    }

    fn bounced(&self, to: Address, error: Message) {
        if let Some(node) = self.node.upgrade() {
            // It was sent from there, so there is a way to it, or it is gone.
            let _ = node.route(to, error);
        }
    }

    fn ended(&self, left: usize) {
        if let Some(node) = self.node.upgrade() {
            node.service_ended(left);
        }
    }
}
