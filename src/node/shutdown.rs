//! How a node ends: in order, with the log service last.
//!
//! `abort` retires every service but the log service, in the reverse order of their start. When
//! only the log service is left, it retires as soon as its mailbox is empty, so no line is lost.
//! The node has ended when no service is left, whatever the reason.

use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::Node;
use crate::message::{Address, Kind, Message, Session};

/// The end of a node, which others wait for.
pub struct Ended {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy)]
struct State {
    status: u8,
    aborting: bool,
    ended: bool,
}

impl Ended {
    pub(super) fn new() -> Self {
        let state = State { status: 0, aborting: false, ended: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Changes the state and returns what it was.
    fn update(&self, change: impl FnOnce(&mut State)) -> State {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *state;
        change(&mut state);
        self.changed.notify_all();
        before
    }

    /// Tells whether the node ends or has ended: it takes no new services.
    pub(super) fn is_ending(&self) -> bool {
        let state = self.update(|_| ());
        state.aborting || state.ended
    }

    /// Waits for the end and returns the exit status.
    ///
    /// # Blocking
    /// Until the last service has ended.
    pub fn wait(&self) -> u8 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.ended {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.status
    }

    /// As [`Self::wait`], but gives up after `limit`.
    pub fn wait_for(&self, limit: Duration) -> Option<u8> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, _) = self
            .changed
            .wait_timeout_while(state, limit, |state| !state.ended)
            .unwrap_or_else(PoisonError::into_inner);
        state.ended.then_some(state.status)
    }
}

impl Node {
    /// Ends the node: retires every service, the log service last.
    ///
    /// Running handlers finish their current message. `status` is the exit status of the process;
    /// the first failure (not 0) counts.
    pub fn abort(&self, status: u8) {
        let before = self.ended.update(|state| {
            state.aborting = true;
            if state.status == 0 {
                state.status = status;
            }
        });
        if before.aborting {
            return;
        }
        let logger = self.log_service();
        loop {
            let mut services = self.scheduler.registry.addresses();
            services.retain(|address| Some(*address) != logger);
            if services.is_empty() {
                break;
            }
            // Later services use earlier ones, so they end first.
            services.sort_unstable_by(|a, b| b.cmp(a));
            for address in services {
                self.scheduler.retire(address);
            }
        }
        self.service_ended(self.scheduler.unfinished());
    }

    /// A service has ended and `left` still live.
    pub(super) fn service_ended(&self, left: usize) {
        if left == 0 {
            self.ended.update(|state| state.ended = true);
        } else if left == 1
            && self.ended.update(|_| ()).aborting
            && let Some(logger) = self.log_service()
        {
            self.scheduler.retire_when_idle(logger);
        }
    }

    /// Tells whether the node ends: services then need not tell each other of their ends.
    pub fn is_ending(&self) -> bool {
        self.ended.is_ending()
    }

    /// Returns the end of this node, to wait for.
    pub fn ended(&self) -> &Ended {
        &self.ended
    }

    /// A service could not start. Without its first service a node is of no use, so it ends.
    pub(super) fn start_failed(&self, address: Address) {
        if address.bits() == self.bootstrap.load(Ordering::Relaxed) {
            self.log(address, b"error: the first service could not start; the node ends");
            self.abort(1);
        }
    }

    /// Tells the monitor service that a service ends.
    pub(super) fn notify_monitor(&self, dying: Address) {
        if let Some(monitor) = self.monitor() {
            let notice = Message::empty(dying, Session::NONE, Kind::CLIENT);
            let _ = self.scheduler.post(monitor, notice);
        }
    }

    fn log_service(&self) -> Option<Address> {
        self.scheduler.registry.resolve(b"logger")
    }
}
