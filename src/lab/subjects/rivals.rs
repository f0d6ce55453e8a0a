//! The locks and parkers of other crates, one line each, or a few where their shape differs.
//!
//! Called by the lists in `subjects`.

use std::sync::{OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crossbeam_utils::sync::{Parker as CrossbeamParker, ShardedLock, Unparker};

use super::{Facts, Lock, Parker, Spins, VisitLock, VisitParker};
use std::sync::atomic::{AtomicBool, Ordering};

exclusive_locks! { guarded:
    parking_lot_012::Mutex<u64> => Facts::rival("parking_lot 0.12"),
    parking_lot::Mutex<u64> => Facts::rival("parking_lot 0.13"),
    lock_api::Mutex<parking_lot::RawFairMutex, u64> => Facts::rival("parking_lot 0.13 fair"),
    usync::Mutex<u64> => Facts::rival("usync"),
    spin::mutex::SpinMutex<u64> =>
        Facts::rival("spin-crate").feature("lock-spin-crate").spins(Spins::Freely),
    spin::mutex::TicketMutex<u64> => Facts::rival("spin-crate ticket").spins(Spins::InOrder),
}

shared_locks! { guarded_shared:
    parking_lot_012::RwLock<u64> => Facts::rival("parking_lot 0.12"),
    parking_lot::RwLock<u64> => Facts::rival("parking_lot 0.13"),
    usync::RwLock<u64> => Facts::rival("usync"),
    spin::RwLock<u64> => Facts::rival("spin-crate").spins(Spins::Freely),
}

/// Visits the exclusive rivals.
pub(super) fn exclusive(visitor: &mut impl VisitLock) {
    visitor.visit::<std::sync::Mutex<u64>>();
    guarded(visitor);
    visitor.visit::<mcslock::raw::spins::Mutex<u64>>();
}

/// Visits the shared rivals.
pub(super) fn shared(visitor: &mut impl VisitLock) {
    visitor.visit::<std::sync::RwLock<u64>>();
    guarded_shared(visitor);
    visitor.visit::<ShardedLock<u64>>();
    visitor.visit::<seqlock::SeqLock<u64>>();
}

/// Visits the rival parkers.
pub(super) fn parkers(visitor: &mut impl VisitParker) {
    visitor.visit::<StdParker>();
    visitor.visit::<CrossbeamPair>();
    visitor.visit::<Tick>();
}

impl Lock for std::sync::Mutex<u64> {
    const FACTS: Facts = Facts::rival("std");

    fn new() -> Self {
        Self::new(0)
    }

    #[inline]
    fn write<R>(&self, section: impl FnOnce(&mut u64) -> R) -> R {
        section(&mut self.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Lock for mcslock::raw::spins::Mutex<u64> {
    const FACTS: Facts = Facts::rival("mcslock").spins(Spins::InOrder);

    fn new() -> Self {
        Self::new(0)
    }

    #[inline]
    fn write<R>(&self, section: impl FnOnce(&mut u64) -> R) -> R {
        self.lock_then(section)
    }
}

macro_rules! poisonable_shared {
    ($lock:ty, $facts:expr) => {
        impl Lock for $lock {
            const FACTS: Facts = $facts;

            fn new() -> Self {
                Self::new(0)
            }

            #[inline]
            fn write<R>(&self, section: impl FnOnce(&mut u64) -> R) -> R {
                section(&mut self.write().unwrap_or_else(PoisonError::into_inner))
            }

            #[inline]
            fn read<R>(&self, section: impl FnOnce(u64) -> R) -> R {
                let guard = self.read().unwrap_or_else(PoisonError::into_inner);
                section(*guard)
            }
        }
    };
}

poisonable_shared!(std::sync::RwLock<u64>, Facts::rival("std"));
poisonable_shared!(ShardedLock<u64>, Facts::rival("crossbeam ShardedLock"));

impl Lock for seqlock::SeqLock<u64> {
    const FACTS: Facts =
        Facts::rival("seqlock").remark("a reader's section runs on a copy, outside the lock");

    fn new() -> Self {
        Self::new(0)
    }

    #[inline]
    fn write<R>(&self, section: impl FnOnce(&mut u64) -> R) -> R {
        section(&mut self.lock_write())
    }

    #[inline]
    fn read<R>(&self, section: impl FnOnce(u64) -> R) -> R {
        section(self.read())
    }
}

/// `park` of the standard library, which may return without a token.
struct StdParker {
    sleeper: Thread,
    token: AtomicBool,
}

impl Parker for StdParker {
    const FACTS: Facts = Facts::rival("std park");

    fn new() -> Self {
        Self { sleeper: std::thread::current(), token: AtomicBool::new(false) }
    }

    fn park(&self) {
        // Acquire: pairs with the Release in `unpark`.
        while !self.token.swap(false, Ordering::Acquire) {
            std::thread::park();
        }
    }

    fn unpark(&self) {
        // Release: pairs with the Acquire in `park`.
        self.token.store(true, Ordering::Release);
        self.sleeper.unpark();
    }
}

/// The parker of crossbeam. Its sleeping half may not be shared, so a lock that nobody competes
/// for is around it.
struct CrossbeamPair {
    sleep: std::sync::Mutex<CrossbeamParker>,
    wake: Unparker,
}

impl Parker for CrossbeamPair {
    const FACTS: Facts = Facts::rival("crossbeam Parker");

    fn new() -> Self {
        let parker = CrossbeamParker::new();
        let wake = parker.unparker().clone();
        Self { sleep: std::sync::Mutex::new(parker), wake }
    }

    fn park(&self) {
        self.sleep.lock().unwrap_or_else(PoisonError::into_inner).park();
    }

    fn unpark(&self) {
        self.wake.unpark();
    }
}

/// Nobody wakes the sleeper: it looks for a token every 2.5 ms, the reference's tick.
struct Tick {
    token: AtomicBool,
    first: OnceLock<Instant>,
}

const TICK: Duration = Duration::from_micros(2_500);

impl Tick {
    /// The time until the next tick.
    fn pause(&self) -> Duration {
        let since = self.first.get_or_init(Instant::now).elapsed();
        let into = since.as_nanos() % TICK.as_nanos();
        TICK - Duration::from_nanos(u64::try_from(into).expect("less than a tick"))
    }
}

impl Parker for Tick {
    const FACTS: Facts = Facts::rival("tick 2.5 ms")
        .remark("no wake-up: a stand-in for the reference, whose timer wakes workers every 2.5 ms");

    fn new() -> Self {
        Self { token: AtomicBool::new(false), first: OnceLock::new() }
    }

    fn park(&self) {
        // Acquire: pairs with the Release in `unpark`.
        while !self.token.swap(false, Ordering::Acquire) {
            std::thread::sleep(self.pause());
        }
    }

    fn unpark(&self) {
        // Release: pairs with the Acquire in `park`.
        self.token.store(true, Ordering::Release);
    }
}
