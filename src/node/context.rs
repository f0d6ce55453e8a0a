//! What a service knows of the node: its own address and everything it may ask for.

use std::sync::Arc;

use super::Node;
use crate::message::{Address, Kind, Message, Payload, Session};
use crate::service::ServiceCell;
use crate::sync::Selected;

/// A service's connection to its node. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    node: Arc<Node>,
    cell: Arc<ServiceCell<Selected>>,
}

impl Context {
    pub(super) fn new(node: Arc<Node>, cell: Arc<ServiceCell<Selected>>) -> Self {
        Self { node, cell }
    }

    /// Returns the service's address.
    pub fn address(&self) -> Address {
        self.cell.address()
    }

    /// Returns the node.
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Returns the service's cell: counters, mailbox, signals.
    pub fn cell(&self) -> &ServiceCell<Selected> {
        &self.cell
    }

    /// Returns a new session for a request.
    pub fn next_session(&self) -> Session {
        self.cell.sessions.next()
    }

    /// Answers a request. A message that expects no answer gets none.
    pub fn respond(&self, request: &Message, payload: impl Into<Payload>) {
        if request.session == Session::NONE {
            return;
        }
        let (source, session) = (self.address(), request.session);
        let answer = Message { source, session, kind: Kind::RESPONSE, payload: payload.into() };
        // Whoever asked may be gone by now.
        let _ = self.send(request.source, answer);
    }

    /// Tells whoever sent a request that it failed.
    pub fn refuse(&self, request: &Message) {
        if let Some((to, error)) = request.bounce(self.address()) {
            let _ = self.send(to, error);
        }
    }

    /// Writes a line to the service log.
    pub fn log(&self, line: &str) {
        self.node.log(self.address(), line.as_bytes());
    }

    /// Sends a RESPONSE without payload to this service after `centis` hundredths of a second.
    ///
    /// Zero and less: the message goes into the mailbox at once, behind what waits already.
    pub fn timeout(&self, centis: i64) -> Session {
        let session = self.next_session();
        self.timeout_with(session, centis);
        session
    }

    /// As [`Self::timeout`], with a session that the caller took.
    pub fn timeout_with(&self, session: Session, centis: i64) {
        if centis <= 0 {
            let expiry = Message::empty(Address::NOBODY, session, Kind::RESPONSE);
            // The service itself asks, so it lives; if it retires now, nobody waits.
            let _ = self.node.scheduler.post(self.address(), expiry);
            return;
        }
        let ticks = u32::try_from(centis).unwrap_or(u32::MAX);
        self.node.timer.add(self.address(), session, ticks);
    }

    /// Returns how many messages wait for this service, not counting the current one.
    pub fn mailbox_len(&self) -> usize {
        self.cell.stats.backlog() + self.cell.mailbox.len()
    }

    /// Returns for how long the current message runs, in nanoseconds; `None` without profiling.
    pub fn current_message_ns(&self) -> Option<u64> {
        self.node.settings.profile.then(|| self.node.scheduler.current_message_ns())
    }

    /// Returns when the current message began, by [`Self::scheduler_ns`]; without profiling the
    /// present time.
    pub fn message_start_ns(&self) -> u64 {
        self.node.scheduler.message_start_ns()
    }

    /// Returns the time of the scheduler's clock, in nanoseconds.
    pub fn scheduler_ns(&self) -> u64 {
        self.node.scheduler.now_ns()
    }

    /// Retires this service after the current message.
    pub fn exit(&self) {
        self.log("KILL self");
        self.node.notify_monitor(self.address());
        self.node.scheduler.retire(self.address());
    }

    /// Says that this service could not start. If it is the node's first service, the node ends
    /// with a failure.
    pub fn start_failed(&self) {
        self.node.start_failed(self.address());
    }
}
