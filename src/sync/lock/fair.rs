//! `fair`: a parking lock that is handed on in the order of arrival (FIFO).
//!
//! Called through `Strategy`. Promises exclusion, no lost wake-up, and the bound: of
//! T threads that use it, the one that has drawn its ticket waits for at most T - 1 others, each
//! once. The price is a context switch for each hand-over once threads are parked.
//!
//! The word, from the low end:
//!
//! | bits | meaning | raised or set by | lowered or cleared by |
//! |---|---|---|---|
//! | 0-7 `next` | the next arrival's ticket | an arrival, +1 | the last in a row, to 0 |
//! | 8-15 `turn` | the holder's ticket | the holder at release, +1 | the last in a row, to 0 |
//! | 16-31 `parked` | bit i: tickets = i mod 16 may be parked | an owner | who gives it the turn |
//!
//! *Invariants*
//! 1. Free is the word 0. `next - turn` (mod 256) counts the holder and the waiters, so it is not 0
//!    while the lock is held; at most 255 threads hold a ticket, further ones look until one is
//!    left.
//! 2. A ticket is held by one thread, from the read-modify-write that drew it until the release
//!    that passes it. Numbers are reused only when nobody holds them.
//! 3. Who clears a bit of `parked` wakes everybody who waits under that bit. A woken one whose turn
//!    it is not sets the bit again. With up to 16 waiters no two share a bit.
//! 4. Only arrivals, waiters that set a bit, and the holder change the word.

use lock_api::GuardNoSend;

use super::patience::Patience;
use crate::sync::facade::atomic::{AtomicU32, Ordering};
use crate::sync::facade::thread;
use crate::sync::futex;
use crate::sync::strategy::Named;

const FREE: u32 = 0;
/// Held by the owner of ticket 0, nobody waits.
const HELD: u32 = 1;

const TICKET: u32 = 0xFF;
const TURN_SHIFT: u32 = 8;
const PARKED_SHIFT: u32 = 16;
const PARKED_BITS: u32 = 16;

/// Looks before parking for the first in line; see `mutex`.
const SPIN_ROUNDS: u32 = 100;

const fn next(state: u32) -> u32 {
    state & TICKET
}

const fn turn(state: u32) -> u32 {
    state >> TURN_SHIFT & TICKET
}

/// How many hold a ticket: the holder and the waiters.
const fn present(state: u32) -> u32 {
    next(state).wrapping_sub(turn(state)) & TICKET
}

/// The mask of the futex on which the owner of a ticket waits.
const fn place(ticket: u32) -> u32 {
    1 << (ticket % PARKED_BITS)
}

const fn parked_bit(ticket: u32) -> u32 {
    place(ticket) << PARKED_SHIFT
}

/// The word after one more ticket was drawn; the other fields do not notice a wrap.
const fn with_arrival(state: u32) -> u32 {
    state & !TICKET | (next(state) + 1) & TICKET
}

/// The word after the holder passed the lock on: the turn is the next ticket's, which gets woken.
const fn with_next_turn(state: u32) -> u32 {
    let turn = (turn(state) + 1) & TICKET;
    (state & !(TICKET << TURN_SHIFT) | turn << TURN_SHIFT) & !parked_bit(turn)
}

/// The raw fair mutex.
#[derive(Debug)]
pub struct RawFair {
    state: AtomicU32,
}

impl Named for RawFair {
    const NAME: &'static str = "fair";
}

// SAFETY:
// - exclusion: a thread holds the lock exactly while `turn` is its ticket (invariant 2), and only
//   the holder moves `turn`.
unsafe impl lock_api::RawMutex for RawFair {
    const INIT: Self = Self { state: AtomicU32::new(FREE) };

    type Guard = GuardNoSend;

    #[inline]
    fn lock(&self) -> GuardNoSend {
        if !self.take() {
            self.lock_slow();
        }
        GuardNoSend::new()
    }

    #[inline]
    fn try_lock(&self) -> Option<GuardNoSend> {
        self.take().then(GuardNoSend::new)
    }

    #[inline]
    unsafe fn unlock(&self, _guard: GuardNoSend) {
        // Release: pairs with the Acquire in `take` and `wait_for_turn`.
        let freed = self.state.compare_exchange(HELD, FREE, Ordering::Release, Ordering::Relaxed);
        if let Err(state) = freed {
            self.pass_on(state);
        }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.state.load(Ordering::Relaxed) != FREE
    }
}

impl RawFair {
    #[inline]
    fn take(&self) -> bool {
        // Acquire: pairs with the Release in `unlock` and `pass_on`.
        self.state.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn lock_slow(&self) {
        let ticket = self.draw_ticket();
        self.wait_for_turn(ticket);
    }

    fn draw_ticket(&self) -> u32 {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            if present(state) == TICKET {
                thread::yield_now();
                state = self.state.load(Ordering::Relaxed);
                continue;
            }
            // Relaxed: `wait_for_turn` acquires.
            let drawn = self.state.compare_exchange_weak(
                state,
                with_arrival(state),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match drawn {
                Ok(_) => return next(state),
                Err(now) => state = now,
            }
        }
    }

    fn wait_for_turn(&self, ticket: u32) {
        let mut patience = Patience::new(SPIN_ROUNDS);
        loop {
            // Acquire: pairs with the Release in `pass_on` and, when the lock was free, in
            // `unlock`; the read-modify-writes of others in between keep the release sequence.
            let state = self.state.load(Ordering::Acquire);
            if turn(state) == ticket {
                return;
            }
            let is_first_in_line = (turn(state) + 1) & TICKET == ticket;
            if !is_first_in_line || !patience.pause() {
                self.park(state, ticket);
            }
        }
    }

    /// Announces the sleep and sleeps, unless the word has changed since `state` was read.
    fn park(&self, state: u32, ticket: u32) {
        let announced = state | parked_bit(ticket);
        // Relaxed: nothing is published; the loop in `wait_for_turn` acquires.
        let is_current = state == announced
            || self
                .state
                .compare_exchange(state, announced, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_current {
            futex::wait(&self.state, announced, place(ticket));
        }
    }

    /// Hands the lock to the next in line, or frees it when there is none.
    #[cold]
    fn pass_on(&self, mut state: u32) {
        loop {
            let passed = if present(state) == 1 { FREE } else { with_next_turn(state) };
            // Release: pairs with the Acquire in `take` and `wait_for_turn`.
            let swapped = self.state.compare_exchange_weak(
                state,
                passed,
                Ordering::Release,
                Ordering::Relaxed,
            );
            match swapped {
                Ok(_) => return self.wake_next(state),
                Err(now) => state = now,
            }
        }
    }

    /// Wakes the owner of the ticket after the one whose turn it was in `state`, if it is parked.
    fn wake_next(&self, state: u32) {
        let ticket = (turn(state) + 1) & TICKET;
        if present(state) > 1 && state & parked_bit(ticket) != 0 {
            futex::wake(&self.state, futex::EVERYBODY, place(ticket));
        }
    }
}

#[cfg(test)]
#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicU64;
    use std::thread::scope;

    use lock_api::RawMutex as _;

    use super::*;
    use crate::sync::lock::suite::until;

    fn look(lock: &RawFair) -> u32 {
        lock.state.load(Ordering::Relaxed)
    }

    /// Lets this many threads queue one after the other behind a holder, and returns the order in
    /// which they were served.
    fn served(waiters: u32) -> Vec<u32> {
        let lock = RawFair::INIT;
        let order = Mutex::new(Vec::new());
        let holder = lock.lock();
        scope(|scope| {
            for index in 0..waiters {
                let (lock, order) = (&lock, &order);
                scope.spawn(move || {
                    let guard = lock.lock();
                    order.lock().unwrap().push(index);
                    // SAFETY: this thread holds the lock.
                    unsafe { lock.unlock(guard) }
                });
                until("the thread has its ticket", || present(look(lock)) == index + 2);
            }
            // SAFETY: this thread holds the lock.
            unsafe { lock.unlock(holder) }
        });
        assert_eq!(look(&lock), FREE);
        order.into_inner().unwrap()
    }

    #[test]
    fn a_turn_takes_the_parked_bit_of_its_ticket_along_and_no_other() {
        let parked = (1 << PARKED_BITS) - 1;
        let state = parked << PARKED_SHIFT | 255 << TURN_SHIFT | 3;
        let passed = with_next_turn(state);
        assert_eq!((turn(passed), next(passed)), (0, 3));
        assert_eq!(passed >> PARKED_SHIFT, parked & !place(0));
    }

    #[test]
    fn the_order_of_arrival_is_the_order_of_service() {
        for waiters in [1, 2, 3, 16, 17, 40] {
            assert_eq!(served(waiters), (0..waiters).collect::<Vec<_>>());
        }
    }

    /// How often others were served between a ticket and its turn, at worst.
    fn passed_at_most(threads: u64, rounds: u64) -> u64 {
        let lock = RawFair::INIT;
        let served = AtomicU64::new(0);
        let worst = AtomicU64::new(0);
        scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for _ in 0..rounds {
                        let ticket = lock.draw_ticket();
                        let before = served.load(Ordering::Relaxed);
                        lock.wait_for_turn(ticket);
                        let passed = served.fetch_add(1, Ordering::Relaxed) - before;
                        worst.fetch_max(passed, Ordering::Relaxed);
                        // SAFETY: it is this thread's turn.
                        unsafe { lock.unlock(GuardNoSend::new()) }
                    }
                });
            }
        });
        assert_eq!(served.into_inner(), threads * rounds);
        worst.into_inner()
    }

    /// For each number of threads; `IRONSKY_GRANTS` asks for more than a test run does.
    fn grants() -> u64 {
        std::env::var("IRONSKY_GRANTS").map_or(24_000, |text| text.parse().unwrap())
    }

    #[test]
    fn a_ticket_waits_for_each_other_thread_at_most_once() {
        for threads in [2, 3, 4, 8, 16] {
            let worst = passed_at_most(threads, grants() / threads);
            println!("{threads} threads, {} grants: at most {worst} others first", grants());
            assert!(worst < threads, "{threads} threads: {worst} were served before a ticket");
        }
    }

    #[test]
    fn more_threads_than_tickets_all_get_in() {
        let lock = RawFair::INIT;
        let holder = lock.lock();
        scope(|scope| {
            for _ in 0..300 {
                scope.spawn(|| {
                    let guard = lock.lock();
                    // SAFETY: this thread holds the lock.
                    unsafe { lock.unlock(guard) }
                });
            }
            until("no ticket is left", || present(look(&lock)) == TICKET);
            // SAFETY: this thread holds the lock.
            unsafe { lock.unlock(holder) }
        });
        assert_eq!(look(&lock), FREE);
    }
}
