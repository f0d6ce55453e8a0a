//! A raw lock whose acquisitions are counted.
//!
//! Called through the types that `class` makes. While its class is off, an acquisition looks at
//! one flag and goes on; the release looks at its own guard.

use std::marker::PhantomData;

use lock_api::{RawMutex, RawRwLock};

use super::counts::{self, Share};
use crate::sync::class::Class;

/// A lock of a class, with counters.
#[derive(Debug)]
pub struct Counted<L, C> {
    lock: L,
    class: PhantomData<fn() -> C>,
}

/// The guard of the lock inside, and what its release has to know.
#[derive(Debug)]
pub struct CountedGuard<G> {
    guard: G,
    /// When the timing began; 0 when it is not timed.
    since: u64,
}

impl<G> CountedGuard<G> {
    /// Takes a lock of the class `C`: by `wait`, and if it is counted by `attempt` first.
    #[inline]
    fn take<C: Class>(
        share: Share,
        attempt: impl FnOnce() -> Option<G>,
        wait: impl FnOnce() -> G,
    ) -> Self {
        if !counts::is_on(C::INDEX) {
            return Self { guard: wait(), since: 0 };
        }
        match counts::mine(C::INDEX) {
            Some(counts) => {
                let (guard, since) = counts.acquire(share, attempt, wait);
                Self { guard, since }
            }
            None => Self { guard: wait(), since: 0 },
        }
    }

    /// What a try of the class `C` gave.
    #[inline]
    fn tried<C: Class>(share: Share, guard: Option<G>) -> Option<Self> {
        let guard = match counts::is_on(C::INDEX).then(|| counts::mine(C::INDEX)).flatten() {
            Some(counts) => counts.attempt(share, guard)?,
            None => guard?,
        };
        Some(Self { guard, since: 0 })
    }

    /// The guard of the lock inside, which is about to be released.
    #[inline]
    fn end<C: Class>(self) -> G {
        if self.since != 0 {
            counts::end_hold(C::INDEX, self.since);
        }
        self.guard
    }
}

// SAFETY: each operation is that of the lock inside, which makes the same promise; its guard goes
// back to it unchanged.
unsafe impl<L: RawMutex, C: Class> RawMutex for Counted<L, C> {
    const INIT: Self = Self { lock: L::INIT, class: PhantomData };

    type Guard = CountedGuard<L::Guard>;

    #[inline]
    fn lock(&self) -> Self::Guard {
        let (attempt, wait) = (|| self.lock.try_lock(), || self.lock.lock());
        CountedGuard::take::<C>(Share::Only, attempt, wait)
    }

    #[inline]
    fn try_lock(&self) -> Option<Self::Guard> {
        CountedGuard::tried::<C>(Share::Only, self.lock.try_lock())
    }

    #[inline]
    unsafe fn unlock(&self, guard: Self::Guard) {
        // SAFETY: as the caller's.
        unsafe { self.lock.unlock(guard.end::<C>()) }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }
}

// SAFETY: as above.
unsafe impl<L: RawRwLock, C: Class> RawRwLock for Counted<L, C> {
    const INIT: Self = Self { lock: L::INIT, class: PhantomData };

    type SharedGuard = CountedGuard<L::SharedGuard>;
    type ExclusiveGuard = CountedGuard<L::ExclusiveGuard>;

    #[inline]
    fn lock_shared(&self) -> Self::SharedGuard {
        let (attempt, wait) = (|| self.lock.try_lock_shared(), || self.lock.lock_shared());
        CountedGuard::take::<C>(Share::Read, attempt, wait)
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<Self::SharedGuard> {
        CountedGuard::tried::<C>(Share::Read, self.lock.try_lock_shared())
    }

    #[inline]
    unsafe fn unlock_shared(&self, guard: Self::SharedGuard) {
        // SAFETY: as the caller's.
        unsafe { self.lock.unlock_shared(guard.end::<C>()) }
    }

    #[inline]
    fn lock_exclusive(&self) -> Self::ExclusiveGuard {
        let (attempt, wait) = (|| self.lock.try_lock_exclusive(), || self.lock.lock_exclusive());
        CountedGuard::take::<C>(Share::Write, attempt, wait)
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<Self::ExclusiveGuard> {
        CountedGuard::tried::<C>(Share::Write, self.lock.try_lock_exclusive())
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, guard: Self::ExclusiveGuard) {
        // SAFETY: as the caller's.
        unsafe { self.lock.unlock_exclusive(guard.end::<C>()) }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.lock.is_locked_exclusive()
    }
}
