//! The subjects of the house, one line each.
//!
//! Called by the lists in `subjects`.

use std::cell::Cell;

use lock_api::{Mutex, RwLock};

use super::{Facts, Lock, Spins, VisitLock};
use crate::sync::lock::{
    RawFair, RawMutex, RawParkingLot, RawRwFair, RawRwRead, RawRwSlots, RawRwWrite, RawSpin,
};
use crate::sync::{
    CondvarParker, FutexParker, LockFreeQueue, LockedQueue, Optimistic, ReentrantLock, RunQueue,
    describe,
};

/// The exclusive lock that is measured twice, to know the noise.
pub const BASE_EXCLUSIVE: &str = "mutex";
/// The shared lock that is measured twice.
pub const BASE_SHARED: &str = "rw-slots";
/// The queue that is measured twice.
pub const BASE_QUEUE: &str = "lockfree";
/// The parker that is measured twice.
pub const BASE_PARKER: &str = "futex";

exclusive_locks! { guarded:
    Mutex<RawMutex, u64> => Facts::own("mutex").feature("lock-mutex"),
    Mutex<RawFair, u64> => Facts::own("fair").feature("lock-fair"),
    Mutex<RawSpin, u64> => Facts::own("spin").feature("lock-spin").spins(Spins::Freely),
}

shared_locks! { guarded_shared:
    RwLock<RawRwFair, u64> => Facts::own("rw-fair").feature("rwlock-fair"),
    RwLock<RawRwSlots, u64> => Facts::own("rw-slots").feature("rwlock-slots"),
    RwLock<RawRwRead, u64> => Facts::own("rw-read").feature("rwlock-read"),
    RwLock<RawRwWrite, u64> => Facts::own("rw-write").feature("rwlock-write"),
}

run_queues! { queues:
    LockFreeQueue<u64> => Facts::own("lockfree").feature("queue-lockfree"),
    LockedQueue<RawMutex, u64> => Facts::own("locked mutex").feature("queue-locked"),
    LockedQueue<RawFair, u64> => Facts::own("locked fair").feature("queue-locked"),
    LockedQueue<RawSpin, u64> =>
        Facts::own("locked spin").feature("queue-locked").spins(Spins::Freely),
    LockedQueue<RawParkingLot, u64> => Facts::own("locked parking_lot"),
}

house_parkers! { parkers:
    FutexParker => Facts::own("futex"),
    CondvarParker => Facts::own("condvar"),
}

/// Visits the exclusive locks of the house.
pub(super) fn exclusive(visitor: &mut impl VisitLock) {
    guarded(visitor);
    visitor.visit::<ReentrantLock<RawMutex, Cell<u64>>>();
    visitor.visit::<ReentrantLock<RawFair, Cell<u64>>>();
}

/// Visits the shared locks of the house, and one exclusive lock for comparison.
pub(super) fn shared(visitor: &mut impl VisitLock) {
    guarded_shared(visitor);
    visitor.visit::<Optimistic<RawMutex, 1>>();
    visitor.visit::<Mutex<RawMutex, u64>>();
}

/// The subjects that this build's node uses: exclusive lock, shared lock, run queue. The names
/// of subjects of other crates are the crates' own.
#[must_use]
pub fn default_subjects() -> [String; 3] {
    let selection = describe();
    let queue = match selection.run_queue {
        "locked" => format!("locked {}", selection.exclusive),
        other => other.to_owned(),
    };
    [selection.exclusive.to_owned(), format!("rw-{}", selection.shared), queue]
}

macro_rules! reentrant {
    ($raw:ty, $facts:expr) => {
        impl Lock for ReentrantLock<$raw, Cell<u64>> {
            const FACTS: Facts = $facts;

            fn new() -> Self {
                Self::new(Cell::new(0))
            }

            #[inline]
            fn write<R>(&self, section: impl FnOnce(&mut u64) -> R) -> R {
                let guard = self.lock();
                let mut value = guard.get();
                let result = section(&mut value);
                guard.set(value);
                result
            }
        }
    };
}

reentrant!(RawMutex, Facts::own("reentrant"));
reentrant!(RawFair, Facts::own("reentrant fair"));

impl Lock for Optimistic<RawMutex, 1> {
    const FACTS: Facts =
        Facts::own("optimistic").remark("a reader's section runs on a copy, outside the lock");

    fn new() -> Self {
        Self::new([0])
    }

    #[inline]
    fn write<R>(&self, section: impl FnOnce(&mut u64) -> R) -> R {
        self.update(|words| section(&mut words[0]))
    }

    #[inline]
    fn read<R>(&self, section: impl FnOnce(u64) -> R) -> R {
        let [value] = self.read();
        section(value)
    }
}
