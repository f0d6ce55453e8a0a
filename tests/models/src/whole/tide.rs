//! What comes in from outside: as the sockets of a node, without sockets. An idle worker waits for
//! it, or the stand-in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shuttle::sync::{Condvar, Mutex};

use super::ledger::Ledger;
use super::services::Node;
use super::tell;
use crate::message::Address;
use crate::sched::Outside;
use crate::sync::{FutexParker, Lookout};

/// Whom services hear what comes in from: nobody has the address.
const SEA: Address = Address::new(0x02_00_00_01);

/// The place where things come in.
pub(super) struct Tide {
    node: Arc<Node>,
    ledger: Arc<Ledger>,
    lookout: Lookout<FutexParker>,
    beach: Arc<Beach>,
    /// Of the system: it orders nothing in the model.
    is_kept: AtomicBool,
}

/// What the kernel does for sockets.
struct Beach {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Entries of the books that nobody has seen yet, and to whom they go.
    ready: Vec<(Address, u64)>,
    /// Seen, to be carried out.
    found: Vec<(Address, u64)>,
    alarm: bool,
    stopping: bool,
}

impl Beach {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("no thread panics with it"));
        self.changed.notify_all();
    }
}

impl Tide {
    pub(super) fn new(node: &Arc<Node>, ledger: &Arc<Ledger>) -> Arc<Self> {
        let beach = Arc::new(Beach { state: Mutex::default(), changed: Condvar::new() });
        let alarm = Arc::clone(&beach);
        node.scheduler.set_alarm(Box::new(move || alarm.change(|state| state.alarm = true)));
        Arc::new(Self {
            node: Arc::clone(node),
            ledger: Arc::clone(ledger),
            lookout: Lookout::new(),
            beach,
            is_kept: AtomicBool::new(false),
        })
    }

    /// Something for a service comes in.
    pub(super) fn come_in(&self, to: Address) {
        let id = self.ledger.sent(SEA, to);
        self.beach.change(|state| state.ready.push((to, id)));
    }

    /// Waits until everything has been carried out.
    pub(super) fn wait_until_low(&self) {
        let mut state = self.beach.state.lock().expect("no thread panics with it");
        while !state.ready.is_empty() || !state.found.is_empty() {
            state = self.beach.changed.wait(state).expect("no thread panics with it");
        }
    }

    /// The thread that is there when no worker is.
    pub(super) fn stand_in(&self) {
        let round = || {
            if self.wait(true) {
                self.carry_out();
            }
        };
        let is_stopping = || self.beach.state.lock().expect("no thread panics with it").stopping;
        self.lookout.stand_in(round, is_stopping);
    }

    pub(super) fn stop(&self) {
        // Whoever waits now returns, once: a worker waits again until the scheduler ends.
        self.beach.change(|state| (state.stopping, state.alarm) = (true, true));
        self.lookout.wake();
    }

    /// Checks that one thread at a time is here.
    fn alone<T>(&self, duty: impl FnOnce() -> T) -> T {
        assert!(!self.is_kept.swap(true, Ordering::Relaxed), "two have the post");
        let result = duty();
        self.is_kept.store(false, Ordering::Relaxed);
        result
    }
}

impl Outside for Tide {
    fn claim(&self) -> bool {
        self.lookout.claim()
    }

    fn wait(&self, block: bool) -> bool {
        self.alone(|| {
            let mut state = self.beach.state.lock().expect("no thread panics with it");
            while block && state.ready.is_empty() && !state.alarm {
                state = self.beach.changed.wait(state).expect("no thread panics with it");
            }
            state.alarm = false;
            state.found = std::mem::take(&mut state.ready);
            !state.found.is_empty()
        })
    }

    fn carry_out(&self) {
        let found = self.alone(|| {
            let state = self.beach.state.lock().expect("no thread panics with it");
            state.found.clone()
        });
        self.node.scheduler.wake_after(|| {
            for &(to, id) in &found {
                tell(&self.node, &self.ledger, SEA, to, id);
            }
            found.len() > 1
        });
        self.beach.change(|state| state.found.clear());
    }

    fn release(&self) {
        self.lookout.release();
    }
}
