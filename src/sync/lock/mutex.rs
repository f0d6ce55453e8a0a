//! `mutex`: a parking lock that whoever comes first may take; the default.
//!
//! Called through `Strategy`. Promises exclusion and that no wake-up is lost; no
//! order: a running thread may pass a parked one, which is what makes it fast.
//!
//! | word | meaning | set by | cleared by |
//! |---|---|---|---|
//! | FREE | nobody holds it | the holder, at release | |
//! | HELD | held, nobody parked | an acquirer that found FREE | the holder |
//! | CONTENDED | held, somebody may be parked | a waiter that parks or parked | the holder |
//!
//! A waiter that was parked takes the lock as CONTENDED, since others may still sleep: the next
//! release wakes one more, at worst for nothing.

use lock_api::GuardNoSend;

use super::patience::Patience;
use crate::sync::facade::atomic::{AtomicU32, Ordering};
use crate::sync::futex;
use crate::sync::strategy::Named;

const FREE: u32 = 0;
const HELD: u32 = 1;
const CONTENDED: u32 = 2;

/// Looks before parking: a few microseconds, about what a park and a wake cost.
const SPIN_ROUNDS: u32 = 100;

/// The raw parking mutex.
#[derive(Debug)]
pub struct RawMutex {
    state: AtomicU32,
}

impl Named for RawMutex {
    const NAME: &'static str = "mutex";
}

// SAFETY:
// - exclusion: an acquisition is a read-modify-write that found FREE and left another value, and
//   only the holder stores FREE.
unsafe impl lock_api::RawMutex for RawMutex {
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
        // Release: pairs with the Acquire in `take` and `lock_slow`.
        if self.state.swap(FREE, Ordering::Release) == CONTENDED {
            self.wake_one();
        }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.look() != FREE
    }
}

impl RawMutex {
    #[inline]
    fn take(&self) -> bool {
        // Acquire: pairs with the Release in `unlock`.
        self.state.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn look(&self) -> u32 {
        // Relaxed: a hint; the read-modify-write after it decides.
        self.state.load(Ordering::Relaxed)
    }

    #[cold]
    fn lock_slow(&self) {
        if self.look_around() == FREE && self.take() {
            return;
        }
        // Acquire: pairs with the Release in `unlock`.
        while self.state.swap(CONTENDED, Ordering::Acquire) != FREE {
            futex::wait(&self.state, CONTENDED, futex::ANYBODY);
            self.look_around();
        }
    }

    /// Looks until the lock is free, somebody is parked (then it will not be soon) or patience
    /// ends.
    fn look_around(&self) -> u32 {
        let mut patience = Patience::new(SPIN_ROUNDS);
        loop {
            let state = self.look();
            if state != HELD || !patience.pause() {
                return state;
            }
        }
    }

    // Not inlined: a system call needs a frame, which every release would set up.
    #[cold]
    #[inline(never)]
    fn wake_one(&self) {
        futex::wake(&self.state, 1, futex::ANYBODY);
    }
}
