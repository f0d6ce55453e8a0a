//! `rw_read`: a reader-preferring reader-writer lock that parks.
//!
//! Called through `Strategy`. Promises, besides exclusion and no lost wake-up: a
//! reader waits only for a writer that holds the lock, never for one that waits. So a thread may
//! take further read shares. Writers have no order, and under steady reading they may starve.
//!
//! The word, from the low end. The low half is what sleepers sleep on.
//!
//! | bits | meaning | raised or set by | lowered or cleared by |
//! |---|---|---|---|
//! | 0 WRITER | a writer holds | that writer | that writer |
//! | 1 READERS_PARKED | a reader may be parked; only with WRITER | that reader | leaving writer |
//! | 2 WRITERS_PARKED | a writer may be parked | a writer that parks or parked | who wakes one |
//! | 32-63 `readers` | read shares held | arriving reader, +1 | leaving reader, -1 |
//!
//! *No wake-up is lost*: a writer parks only while somebody holds the lock, and says so in the same
//! word. Whoever leaves the lock free with WRITERS_PARKED set wakes one writer, except a writer
//! that wakes readers: one of those will come in, leave, and find the bit. A woken writer takes the
//! lock with the bit set, since others may sleep.

use lock_api::GuardNoSend;

use super::patience::Patience;
use crate::sync::facade::atomic::{AtomicU64, Ordering};
use crate::sync::facade::thread;
use crate::sync::futex;
use crate::sync::strategy::Named;

const WRITER: u64 = 1;
const READERS_PARKED: u64 = 1 << 1;
const WRITERS_PARKED: u64 = 1 << 2;
const READER_ONE: u64 = 1 << 32;
const READERS: u64 = !(READER_ONE - 1);
/// The top bit of `readers`: nobody comes in until one leaves.
const READERS_FULL: u64 = 1 << 63;
const HELD: u64 = WRITER | READERS;

/// The futex masks.
const READERS_PLACE: u32 = 1;
const WRITERS_PLACE: u32 = 2;

/// Looks before parking; see `mutex`.
const SPIN_ROUNDS: u32 = 100;

/// The raw reader-preferring lock.
#[derive(Debug)]
pub struct RawRwRead {
    state: AtomicU64,
}

impl Named for RawRwRead {
    const NAME: &'static str = "read";
}

// SAFETY:
// - exclusion: WRITER is set only by a read-modify-write that found neither WRITER nor readers, and
//   a reader is counted only by one that found no WRITER.
unsafe impl lock_api::RawRwLock for RawRwRead {
    const INIT: Self = Self { state: AtomicU64::new(0) };

    type SharedGuard = GuardNoSend;
    type ExclusiveGuard = GuardNoSend;

    #[inline]
    fn lock_shared(&self) -> GuardNoSend {
        let state = self.look();
        if !is_open_to_readers(state) || self.enter_shared(state).is_err() {
            self.lock_shared_slow();
        }
        GuardNoSend::new()
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<GuardNoSend> {
        let mut state = self.look();
        while is_open_to_readers(state) {
            match self.enter_shared(state) {
                Ok(_) => return Some(GuardNoSend::new()),
                Err(now) => state = now,
            }
        }
        None
    }

    #[inline]
    unsafe fn unlock_shared(&self, _guard: GuardNoSend) {
        // Release: pairs with the Acquire in `enter_exclusive`.
        let before = self.state.fetch_sub(READER_ONE, Ordering::Release);
        if before & (READERS | WRITERS_PARKED) == READER_ONE | WRITERS_PARKED {
            self.wake_writer();
        }
    }

    #[inline]
    fn lock_exclusive(&self) -> GuardNoSend {
        if self.enter_exclusive(0, WRITER).is_err() {
            self.lock_exclusive_slow();
        }
        GuardNoSend::new()
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<GuardNoSend> {
        let mut state = self.look();
        while state & HELD == 0 {
            match self.enter_exclusive(state, state | WRITER) {
                Ok(_) => return Some(GuardNoSend::new()),
                Err(now) => state = now,
            }
        }
        None
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, _guard: GuardNoSend) {
        // Release: pairs with the Acquire in `enter_shared` and `enter_exclusive`.
        let freed = self.state.compare_exchange(WRITER, 0, Ordering::Release, Ordering::Relaxed);
        if freed.is_err() {
            self.unlock_exclusive_slow();
        }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.look() & HELD != 0
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.look() & WRITER != 0
    }
}

#[inline]
const fn is_open_to_readers(state: u64) -> bool {
    state & (WRITER | READERS_FULL) == 0
}

impl RawRwRead {
    #[inline]
    fn look(&self) -> u64 {
        // Relaxed: a hint; the read-modify-write after it decides.
        self.state.load(Ordering::Relaxed)
    }

    #[inline]
    fn enter_shared(&self, state: u64) -> Result<u64, u64> {
        // Acquire: pairs with the Release of a leaving writer.
        self.state.compare_exchange_weak(
            state,
            state + READER_ONE,
            Ordering::Acquire,
            Ordering::Relaxed,
        )
    }

    #[inline]
    fn enter_exclusive(&self, state: u64, held: u64) -> Result<u64, u64> {
        // Acquire: pairs with the Release of every leaving reader and writer.
        self.state.compare_exchange(state, held, Ordering::Acquire, Ordering::Relaxed)
    }

    #[cold]
    fn lock_shared_slow(&self) {
        let mut patience = Patience::new(SPIN_ROUNDS);
        loop {
            let state = self.look();
            if is_open_to_readers(state) {
                if self.enter_shared(state).is_ok() {
                    return;
                }
            } else if state & WRITER == 0 {
                thread::yield_now();
            } else if !patience.pause() {
                self.park(state, READERS_PARKED, READERS_PLACE);
            }
        }
    }

    #[cold]
    fn lock_exclusive_slow(&self) {
        let mut patience = Patience::new(SPIN_ROUNDS);
        let mut others = 0;
        loop {
            let state = self.look();
            if state & HELD == 0 {
                if self.enter_exclusive(state, state | WRITER | others).is_ok() {
                    return;
                }
            } else if !patience.pause() {
                self.park(state, WRITERS_PARKED, WRITERS_PLACE);
                others = WRITERS_PARKED;
            }
        }
    }

    /// Announces the sleep by `bit` and sleeps, unless the word has changed since `state` was read.
    fn park(&self, state: u64, bit: u64, place: u32) {
        let announced = state | bit;
        // Relaxed: nothing is published; the caller's loop acquires.
        let is_current = state == announced
            || self
                .state
                .compare_exchange(state, announced, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_current {
            #[expect(clippy::cast_possible_truncation, reason = "the low half is waited on")]
            futex::wait(&self.state, announced as u32, place);
        }
    }

    #[cold]
    fn unlock_exclusive_slow(&self) {
        // Release: pairs with the Acquire in `enter_shared` and `enter_exclusive`.
        let before = self.state.fetch_and(!(WRITER | READERS_PARKED), Ordering::Release);
        if before & READERS_PARKED != 0 {
            futex::wake(&self.state, futex::EVERYBODY, READERS_PLACE);
        } else if before & WRITERS_PARKED != 0 {
            self.wake_writer();
        }
    }

    /// Wakes one writer if the lock is free; otherwise its next leaver does.
    #[cold]
    fn wake_writer(&self) {
        let mut state = self.look();
        while state & HELD == 0 && state & WRITERS_PARKED != 0 {
            // Relaxed: the leaving was released by the caller.
            let cleared = self.state.compare_exchange_weak(
                state,
                state & !WRITERS_PARKED,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match cleared {
                Ok(_) => return futex::wake(&self.state, 1, WRITERS_PLACE),
                Err(now) => state = now,
            }
        }
    }
}

#[cfg(test)]
#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread::scope;

    use super::*;
    use crate::sync::lock::suite::until;

    type Lock = lock_api::RwLock<RawRwRead, u32>;

    fn raw(lock: &Lock) -> &RawRwRead {
        // SAFETY: the tests only look at the word.
        unsafe { lock.raw() }
    }

    #[test]
    fn readers_pass_a_waiting_writer_in_their_own_thread_and_in_others() {
        let lock = Lock::new(0);
        let written = AtomicBool::new(false);
        let first = lock.read();
        scope(|scope| {
            scope.spawn(|| {
                *lock.write() = 1;
                written.store(true, Ordering::Release);
            });
            until("the writer parks", || raw(&lock).look() & WRITERS_PARKED != 0);
            let second = lock.read();
            let other = scope.spawn(|| *lock.read());
            assert_eq!(other.join().unwrap(), *first + *second);
            drop(first);
            assert!(!written.load(Ordering::Acquire));
            drop(second);
            until("the writer is in", || written.load(Ordering::Acquire));
        });
        assert_eq!(lock.into_inner(), 1);
    }

    #[test]
    fn a_leaving_writer_wakes_all_parked_readers_before_a_writer() {
        let lock = Lock::new(0);
        let holder = lock.write();
        scope(|scope| {
            let readers = [0, 1].map(|_| scope.spawn(|| *lock.read()));
            until("a reader parks", || raw(&lock).look() & READERS_PARKED != 0);
            let writer = scope.spawn(|| *lock.write() += 1);
            until("the writer parks", || raw(&lock).look() & WRITERS_PARKED != 0);
            drop(holder);
            for reader in readers {
                until("each reader is in", || reader.is_finished());
            }
            until("the writer is in", || writer.is_finished());
        });
        assert_eq!(raw(&lock).look(), 0);
        assert_eq!(lock.into_inner(), 1);
    }

    #[test]
    fn a_lock_full_of_readers_waits_for_one_to_leave() {
        let lock = RawRwRead { state: AtomicU64::new(READERS_FULL) };
        assert!(lock_api::RawRwLock::try_lock_shared(&lock).is_none());
        scope(|scope| {
            let late = scope.spawn(|| {
                let _held = lock_api::RawRwLock::lock_shared(&lock);
            });
            lock.state.fetch_sub(READER_ONE, Ordering::Release);
            until("the late reader is in", || late.is_finished());
        });
        assert_eq!(lock.look(), READERS_FULL);
    }
}
