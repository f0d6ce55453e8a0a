//! Calls from outside: how a Rust thread that belongs to no service talks to the services of a
//! node and waits for their answers.
//!
//! A [`Caller`] has an address of its own, behind which a small service passes what arrives to the
//! thread.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::{Context, Node};
use crate::message::{Address, Kind, Message, Payload};
use crate::service::Service;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// Nobody lives at the address.
    #[error("no service at {0}")]
    NoService(Address),
    /// The service raised an error in its handler, ended, or refused.
    #[error("the call to {0} failed")]
    Failed(Address),
    /// The service is on another node, which was not reached or reports an error.
    #[error("the call to {0} failed: {1}")]
    NotReached(Address, String),
    /// The answer took longer than the caller was ready to wait.
    #[error("no answer from {0} in time")]
    TimedOut(Address),
    /// The node has ended.
    #[error("the node has ended")]
    Ended,
}

/// A thread's own address in a node. It counts as a service until it is dropped.
pub struct Caller {
    context: Context,
    arrived: Receiver<Message>,
}

/// The service behind the address.
struct Inbox(Sender<Message>);

impl Service for Inbox {
    fn dispatch(&mut self, message: Message) {
        // The caller is being dropped when nobody receives any more.
        let _ = self.0.send(message);
    }
}

impl Node {
    /// Gives the calling thread an address in this node.
    ///
    /// # Errors
    /// [`CallError::Ended`] when the node takes no more services.
    pub fn caller(self: &Arc<Self>) -> Result<Caller, CallError> {
        let cell = self.admit().map_err(|_| CallError::Ended)?;
        let (sender, arrived) = mpsc::channel();
        self.scheduler.start(&cell, Box::new(Inbox(sender)));
        Ok(Caller { context: Context::new(Arc::clone(self), cell), arrived })
    }
}

impl Caller {
    /// Returns this thread's place in the node: its address, and how to send without an answer.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// [`CallError`] when there is none within `limit`.
    ///
    /// # Blocking
    /// Until the answer is there; not for the workers' own threads.
    pub fn call(
        &self,
        to: Address,
        kind: Kind,
        payload: impl Into<Payload>,
        limit: Duration,
    ) -> Result<Payload, CallError> {
        let deadline = Instant::now() + limit;
        let (source, session) = (self.context.address(), self.context.next_session());
        let request = Message { source, session, kind, payload: payload.into() };
        self.context.send(to, request).map_err(|_| CallError::NoService(to))?;
        loop {
            let answer = self.receive(deadline, to).inspect_err(|_| {
                if self.context.node().is_remote(to) {
                    self.context.give_up(session);
                }
            })?;
            match answer.kind {
                // What answers an earlier call came too late.
                _ if answer.session != session => {}
                Kind::RESPONSE => return Ok(answer.payload),
                Kind::ERROR if answer.payload.is_empty() => return Err(CallError::Failed(to)),
                Kind::ERROR => {
                    let why = String::from_utf8_lossy(answer.payload.as_bytes()).into_owned();
                    return Err(CallError::NotReached(to, why));
                }
                _ => {}
            }
        }
    }

    fn receive(&self, deadline: Instant, to: Address) -> Result<Message, CallError> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.arrived.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => CallError::TimedOut(to),
            RecvTimeoutError::Disconnected => CallError::Ended,
        })
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.context.node().scheduler.retire(self.context.address());
    }
}
