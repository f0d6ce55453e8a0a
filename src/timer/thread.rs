//! The timer: timeouts of services, and the thread that fires them.
//!
//! The thread sleeps until the earliest timeout is due, and without a limit when there is none. A
//! new timeout that is due earlier wakes it.
//!
//! *Orderings.* `wake_at` is written by the thread under the wheel's lock before it sleeps, and
//! read under the same lock by whoever adds a timeout: so an earlier timeout is either seen by the
//! thread before it sleeps, or its setter sees the later `wake_at` and unparks the thread.

use std::time::Duration;

use super::wheel::Wheel;
use super::{Centis, Clock};
use crate::message::{Address, Deliver, Kind, Message, Session};
use crate::sync::facade::atomic::{AtomicBool, Ordering};
use crate::sync::facade::time::Instant;
use crate::sync::{Mutex, Park, Selected, Strategy, class};

/// Whom a timeout tells.
#[derive(Clone, Copy)]
struct Timeout {
    service: Address,
    session: Session,
}

struct State {
    wheel: Wheel<Timeout>,
    wake_at: Centis,
}

/// Sends a message when a time has passed.
pub struct Timer<S: Strategy = Selected> {
    clock: Clock,
    state: Mutex<S, class::Timer, State>,
    parker: S::Parker,
    stopping: AtomicBool,
}

impl<S: Strategy> Timer<S> {
    /// Makes a timer; [`Self::run`] is called on a thread of the caller's.
    pub fn new(clock: Clock) -> Self {
        let state = State { wheel: Wheel::new(clock.now()), wake_at: Centis::MAX };
        Self {
            clock,
            state: Mutex::<S, class::Timer, _>::new(state),
            parker: Park::new(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Returns the clock that the timeouts follow.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Sends a RESPONSE without payload to `service` when `ticks` (1 or more) have passed.
    ///
    /// The current tick counts as begun: the message leaves up to one tick early. Timeouts of one
    /// tick fire in the order in which they were set. There is no way to cancel one.
    pub fn add(&self, service: Address, session: Session, ticks: u32) {
        // Not relative to the wheel: it stands at the last tick that was fired, perhaps long ago.
        let due = self.clock.now() + Centis::from(ticks);
        let mut state = self.state.lock();
        let due = state.wheel.insert_at(due, Timeout { service, session });
        if due < state.wake_at {
            state.wake_at = due;
            drop(state);
            self.parker.unpark();
        }
    }

    /// Fires timeouts on the calling thread until [`Self::stop`].
    ///
    /// # Blocking
    /// Sleeps until the next timeout is due.
    pub fn run(&self, deliver: &dyn Deliver) {
        let mut due = Vec::new();
        // SeqCst: pairs with `stop`; the unpark there makes this look happen.
        while !self.stopping.load(Ordering::SeqCst) {
            let wake_at = self.collect(&mut due);
            if due.is_empty() {
                self.sleep_until(wake_at);
                continue;
            }
            for Timeout { service, session } in due.drain(..) {
                // A service that is gone needs its timeouts no more.
                let expiry = Message::empty(Address::NOBODY, session, Kind::RESPONSE);
                let _ = deliver.deliver(service, expiry);
            }
        }
    }

    /// Ends [`Self::run`].
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.parker.unpark();
    }

    /// Takes what is due and returns the tick of the next timeout.
    fn collect(&self, due: &mut Vec<Timeout>) -> Centis {
        let now = self.clock.now();
        let mut state = self.state.lock();
        state.wheel.advance(now, &mut |timeout| due.push(timeout));
        // While the thread is awake nobody needs to wake it.
        state.wake_at = match due.is_empty() {
            true => state.wheel.next_expiry().unwrap_or(Centis::MAX),
            false => 0,
        };
        state.wake_at
    }

    fn sleep_until(&self, tick: Centis) {
        if tick == Centis::MAX {
            return self.parker.park();
        }
        let until = self.clock.instant_of(tick).saturating_duration_since(Instant::now());
        if until > Duration::ZERO {
            self.parker.park_timeout(until);
        }
    }
}
