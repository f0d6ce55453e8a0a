//! Puts one thread to sleep until another one wakes it.
//!
//! Called by [`Sleepers`](super::Sleepers), one parker a worker, and by the timer thread. A parker
//! holds at most one token: `unpark` leaves it, `park` waits for it and takes it. So an `unpark`
//! before the `park` is not lost, and two of them count as one.
//!
//! State of [`FutexParker`]:
//!
//! | word | meaning | set by | cleared by |
//! |---|---|---|---|
//! | EMPTY | no token, nobody sleeps | the owner, when it takes the token or gives up | |
//! | NOTIFIED | a token waits | any thread in `unpark` | the owner in `park` |
//! | PARKED | the owner sleeps or is about to | the owner | any thread in `unpark` |
//!
//! Only the owner (one thread at a time) calls `park` and `park_timeout`.

use std::sync::PoisonError;
use std::time::Duration;

use super::facade::atomic::{AtomicU32, Ordering};
use super::facade::time::Instant;
use super::facade::{Condvar, OsMutex, wait_timeout};
use super::futex;
use super::strategy::Named;

/// A place where one thread sleeps until it is given a token.
pub trait Park: Send + Sync + 'static {
    /// Makes a parker without a token.
    fn new() -> Self;

    /// Waits for a token and takes it. Never returns without one.
    fn park(&self);

    /// As [`park`](Self::park), for at most this long. Returns whether it took a token.
    fn park_timeout(&self, timeout: Duration) -> bool;

    /// Leaves a token and wakes the owner if it sleeps.
    fn unpark(&self);
}

const EMPTY: u32 = 0;
const NOTIFIED: u32 = 1;
const PARKED: u32 = 2;

/// A parker of one word.
#[derive(Debug)]
pub struct FutexParker {
    state: AtomicU32,
}

impl Named for FutexParker {
    const NAME: &'static str = "futex";
}

impl FutexParker {
    /// Takes the token if there is one, else announces the sleep. Returns whether it took it.
    fn take_or_announce(&self) -> bool {
        // Relaxed: nothing is taken yet.
        let announced =
            self.state.compare_exchange(EMPTY, PARKED, Ordering::Relaxed, Ordering::Relaxed);
        if announced.is_err() {
            // Acquire: pairs with the Release in `unpark`. A swap and not a store: a second token
            // may have come since the look, and what was done before it has to be seen as well.
            self.state.swap(EMPTY, Ordering::Acquire);
        }
        announced.is_err()
    }

    /// Takes a token that came during the sleep.
    fn take(&self) -> bool {
        // Acquire: pairs with the Release in `unpark`.
        self.state.compare_exchange(NOTIFIED, EMPTY, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn sleep(&self) {
        while !self.take() {
            futex::wait(&self.state, PARKED, futex::ANYBODY);
        }
    }

    #[cold]
    fn sleep_timeout(&self, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            let left = deadline.map_or(Duration::MAX, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            });
            let in_time = futex::wait_timeout(&self.state, PARKED, futex::ANYBODY, left);
            if self.take() {
                return true;
            }
            if !in_time {
                return self.give_up();
            }
        }
    }

    /// The time ran out. Returns true when a token came at the last moment.
    fn give_up(&self) -> bool {
        // Acquire: pairs with the Release in `unpark`.
        self.state.swap(EMPTY, Ordering::Acquire) == NOTIFIED
    }
}

impl Park for FutexParker {
    fn new() -> Self {
        Self { state: AtomicU32::new(EMPTY) }
    }

    fn park(&self) {
        if !self.take_or_announce() {
            self.sleep();
        }
    }

    fn park_timeout(&self, timeout: Duration) -> bool {
        self.take_or_announce() || self.sleep_timeout(timeout)
    }

    fn unpark(&self) {
        // Release: pairs with the Acquire in `take_or_announce`, `take` and `give_up`; what the
        // waker did is seen by the woken.
        if self.state.swap(NOTIFIED, Ordering::Release) == PARKED {
            futex::wake(&self.state, 1, futex::ANYBODY);
        }
    }
}

/// A parker of the standard library's parts: the portable rival of [`FutexParker`].
#[derive(Debug)]
pub struct CondvarParker {
    token: OsMutex<bool>,
    given: Condvar,
}

impl Named for CondvarParker {
    const NAME: &'static str = "condvar";
}

impl Park for CondvarParker {
    fn new() -> Self {
        Self { token: OsMutex::new(false), given: Condvar::new() }
    }

    fn park(&self) {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        while !*token {
            token = self.given.wait(token).unwrap_or_else(PoisonError::into_inner);
        }
        *token = false;
    }

    fn park_timeout(&self, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        while !*token {
            let left = deadline.map_or(Duration::MAX, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return false;
            }
            token = wait_timeout(&self.token, &self.given, token, left);
        }
        *token = false;
        true
    }

    fn unpark(&self) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.given.notify_one();
    }
}

#[cfg(test)]
#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    macro_rules! contract {
        ($module:ident, $parker:ty) => {
            mod $module {
                use super::*;

                #[test]
                fn a_token_left_before_is_not_lost_and_counts_once() {
                    let parker = <$parker>::new();
                    parker.unpark();
                    parker.unpark();
                    assert!(parker.park_timeout(LONG));
                    assert!(!parker.park_timeout(Duration::ZERO));
                }

                #[test]
                fn time_runs_out_and_leaves_nothing_behind() {
                    let parker = <$parker>::new();
                    assert!(!parker.park_timeout(Duration::from_millis(1)));
                    parker.unpark();
                    parker.park();
                    assert!(!parker.park_timeout(Duration::ZERO));
                }

                #[test]
                fn a_very_long_time_is_no_error() {
                    let parker = <$parker>::new();
                    parker.unpark();
                    assert!(parker.park_timeout(Duration::MAX));
                }

                #[test]
                fn every_token_of_a_ping_pong_arrives() {
                    const ROUNDS: usize = 20_000;
                    let pair = Arc::new((<$parker>::new(), <$parker>::new()));
                    let turns = Arc::new(AtomicUsize::new(0));
                    let (other, their_turns) = (Arc::clone(&pair), Arc::clone(&turns));
                    let thread = thread::spawn(move || {
                        for _ in 0..ROUNDS {
                            assert!(other.0.park_timeout(LONG));
                            their_turns.fetch_add(1, Ordering::Relaxed);
                            other.1.unpark();
                        }
                    });
                    for round in 1..=ROUNDS {
                        pair.0.unpark();
                        pair.1.park();
                        assert_eq!(turns.load(Ordering::Relaxed), round);
                    }
                    thread.join().unwrap();
                }
            }
        };
    }

    contract!(futex_parker, FutexParker);
    contract!(condvar_parker, CondvarParker);
}
