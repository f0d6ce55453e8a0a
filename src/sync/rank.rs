//! Checks in debug builds that locks are taken in the order of their ranks.
//!
//! Called through the types that `class` makes. A thread remembers what it holds. Taking a lock
//! whose rank is not above all of them (or equal, where a class nests) panics and names both, also
//! when nobody else is there to make a deadlock of it. A try cannot wait, so it is not checked,
//! only remembered.

use std::cell::RefCell;
use std::marker::PhantomData;

use lock_api::{RawMutex, RawRwLock};

use super::class::Class;

/// What a thread holds: ranks and names, in the order of acquisition.
type Held = Vec<(u8, &'static str)>;

thread_local!(static HELD: RefCell<Held> = const { RefCell::new(Vec::new()) });

/// Lets `look` see what the thread holds; nothing happens in a thread that is at its end.
fn with_held(look: impl FnOnce(&mut Held)) {
    // A thread at its end has no list any more: its last locks are not checked.
    let _ = HELD.try_with(|held| look(&mut held.borrow_mut()));
}

fn check<C: Class>() {
    let is_above = |rank| if C::NESTS { rank > C::RANK } else { rank >= C::RANK };
    let mut above = None;
    with_held(|held| above = held.iter().copied().find(|&(rank, _)| is_above(rank)));
    if let Some((rank, name)) = above {
        let (wanted, its_rank) = (C::NAME, C::RANK);
        panic!("takes the {wanted} lock (rank {its_rank}) while it holds {name} (rank {rank})");
    }
}

fn remember<C: Class>() {
    with_held(|held| held.push((C::RANK, C::NAME)));
}

fn forget<C: Class>() {
    with_held(|held| {
        if let Some(place) = held.iter().rposition(|&(rank, _)| rank == C::RANK) {
            held.remove(place);
        }
    });
}

fn taken<C: Class, G>(guard: Option<G>) -> Option<G> {
    if guard.is_some() {
        remember::<C>();
    }
    guard
}

/// A raw lock whose acquisitions are checked.
#[derive(Debug)]
pub struct Ranked<L, C> {
    lock: L,
    class: PhantomData<fn() -> C>,
}

// SAFETY: each operation is that of the lock inside, which makes the same promise.
unsafe impl<L: RawMutex, C: Class> RawMutex for Ranked<L, C> {
    const INIT: Self = Self { lock: L::INIT, class: PhantomData };

    type Guard = L::Guard;

    fn lock(&self) -> L::Guard {
        check::<C>();
        let guard = self.lock.lock();
        remember::<C>();
        guard
    }

    fn try_lock(&self) -> Option<L::Guard> {
        taken::<C, _>(self.lock.try_lock())
    }

    unsafe fn unlock(&self, guard: L::Guard) {
        forget::<C>();
        // SAFETY: as the caller's.
        unsafe { self.lock.unlock(guard) }
    }

    fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }
}

// SAFETY: as above.
unsafe impl<L: RawRwLock, C: Class> RawRwLock for Ranked<L, C> {
    const INIT: Self = Self { lock: L::INIT, class: PhantomData };

    type SharedGuard = L::SharedGuard;
    type ExclusiveGuard = L::ExclusiveGuard;

    fn lock_shared(&self) -> L::SharedGuard {
        check::<C>();
        let guard = self.lock.lock_shared();
        remember::<C>();
        guard
    }

    fn try_lock_shared(&self) -> Option<L::SharedGuard> {
        taken::<C, _>(self.lock.try_lock_shared())
    }

    unsafe fn unlock_shared(&self, guard: L::SharedGuard) {
        forget::<C>();
        // SAFETY: as the caller's.
        unsafe { self.lock.unlock_shared(guard) }
    }

    fn lock_exclusive(&self) -> L::ExclusiveGuard {
        check::<C>();
        let guard = self.lock.lock_exclusive();
        remember::<C>();
        guard
    }

    fn try_lock_exclusive(&self) -> Option<L::ExclusiveGuard> {
        taken::<C, _>(self.lock.try_lock_exclusive())
    }

    unsafe fn unlock_exclusive(&self, guard: L::ExclusiveGuard) {
        forget::<C>();
        // SAFETY: as the caller's.
        unsafe { self.lock.unlock_exclusive(guard) }
    }

    fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }

    fn is_locked_exclusive(&self) -> bool {
        self.lock.is_locked_exclusive()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::sync::class::{Body, Mailbox, Registry, Timer};
    use crate::sync::lock::{RawMutex as OwnMutex, RawRwFair};

    type Exclusive<C> = lock_api::Mutex<Ranked<OwnMutex, C>, ()>;
    type Shared<C> = lock_api::RwLock<Ranked<RawRwFair, C>, ()>;

    #[test]
    fn a_higher_rank_may_be_taken_under_a_lower_one_again_and_again() {
        let (registry, mailbox) = (Shared::<Registry>::new(()), Exclusive::<Mailbox>::new(()));
        for _ in 0..2 {
            let _outer = registry.read();
            drop(mailbox.lock());
            drop(mailbox.lock());
        }
        // Released in another order than taken.
        let outer = registry.write();
        let inner = mailbox.lock();
        drop(outer);
        drop(inner);
        drop(registry.read());
    }

    #[test]
    #[should_panic(expected = "takes the registry lock (rank 30) while it holds mailbox (rank 40)")]
    fn a_lower_rank_panics_although_nobody_waits() {
        let (registry, mailbox) = (Shared::<Registry>::new(()), Exclusive::<Mailbox>::new(()));
        let _inner = mailbox.lock();
        let _outer = registry.read();
    }

    #[test]
    #[should_panic(expected = "takes the timer lock (rank 50) while it holds timer (rank 50)")]
    fn an_equal_rank_panics() {
        let timers = [Exclusive::<Timer>::new(()), Exclusive::<Timer>::new(())];
        let _first = timers[0].lock();
        let _second = timers[1].lock();
    }

    #[test]
    fn a_class_that_nests_may_be_taken_twice_and_not_after_a_higher_one() {
        let bodies = [Exclusive::<Body>::new(()), Exclusive::<Body>::new(())];
        let mailbox = Exclusive::<Mailbox>::new(());
        let _first = bodies[0].lock();
        drop(bodies[1].lock());
        let _higher = mailbox.lock();
        assert!(catch_unwind(AssertUnwindSafe(|| drop(bodies[1].lock()))).is_err());
    }

    #[test]
    fn a_try_is_remembered_and_not_checked() {
        let (registry, mailbox) = (Shared::<Registry>::new(()), Exclusive::<Mailbox>::new(()));
        let inner = mailbox.try_lock();
        let outer = registry.try_read();
        assert!(inner.is_some() && outer.is_some());
        let taken = catch_unwind(AssertUnwindSafe(|| drop(mailbox.lock())));
        assert!(taken.is_err());
        drop((inner, outer));
        drop(mailbox.lock());
    }
}
