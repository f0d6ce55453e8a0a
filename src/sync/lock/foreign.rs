//! Locks of other crates as strategies of ours, to pick and to compare.
//!
//! Called through `Strategy`. parking_lot implements the traits of `lock_api` 0.5 itself and only
//! gets a name; the spin crate implements those of 0.4, so its locks are wrapped. A lock of a user
//! plugs in in the same way: the raw trait, and a [`Named`].

use lock_api::GuardNoSend;

use crate::sync::strategy::Named;

/// The mutex of parking_lot.
pub type RawParkingLot = parking_lot::RawMutex;

/// The reader-writer lock of parking_lot.
pub type RawRwParkingLot = parking_lot::RawRwLock;

impl Named for RawParkingLot {
    const NAME: &'static str = "parking-lot";
}

impl Named for RawRwParkingLot {
    const NAME: &'static str = "parking-lot";
}

/// The mutex of the spin crate.
#[derive(Debug)]
pub struct RawSpinCrate(spin::Mutex<()>);

impl Named for RawSpinCrate {
    const NAME: &'static str = "spin-crate";
}

// SAFETY:
// - exclusion: a guard of the crate's mutex is forgotten at the acquisition, so the mutex stays
//   locked until `unlock`, which the trait allows only to the holder.
unsafe impl lock_api::RawMutex for RawSpinCrate {
    const INIT: Self = Self(spin::Mutex::new(()));

    type Guard = GuardNoSend;

    #[inline]
    fn lock(&self) -> GuardNoSend {
        std::mem::forget(self.0.lock());
        GuardNoSend::new()
    }

    #[inline]
    fn try_lock(&self) -> Option<GuardNoSend> {
        self.0.try_lock().map(|guard| {
            std::mem::forget(guard);
            GuardNoSend::new()
        })
    }

    #[inline]
    unsafe fn unlock(&self, _guard: GuardNoSend) {
        // SAFETY: the caller holds the lock, whose guard was forgotten at the acquisition.
        unsafe { self.0.force_unlock() }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.0.is_locked()
    }
}

/// A write share of the spin crate's lock.
///
/// It carries the crate's own guard: the crate's way to release without one asserts, in debug
/// builds, that no reader is just looking, and readers look by counting themselves in for a moment.
#[derive(Debug)]
pub struct SpinCrateWriter(spin::RwLockWriteGuard<'static, ()>);

impl SpinCrateWriter {
    fn new<'a>(guard: spin::RwLockWriteGuard<'a, ()>) -> Self {
        type Writer<'a> = spin::RwLockWriteGuard<'a, ()>;
        // SAFETY: only the lifetime changes. The guard is dropped in `unlock_exclusive` alone,
        // which borrows the lock that made it; otherwise it is forgotten.
        Self(unsafe { std::mem::transmute::<Writer<'a>, Writer<'static>>(guard) })
    }
}

/// The reader-writer lock of the spin crate.
#[derive(Debug)]
pub struct RawRwSpinCrate(spin::RwLock<()>);

impl Named for RawRwSpinCrate {
    const NAME: &'static str = "spin-crate";
}

// SAFETY:
// - exclusion: a share of the crate's lock is forgotten or carried by the guard at the acquisition,
//   so it stays held until the matching unlock, which the trait allows only to its holder.
unsafe impl lock_api::RawRwLock for RawRwSpinCrate {
    const INIT: Self = Self(spin::RwLock::new(()));

    type SharedGuard = GuardNoSend;
    type ExclusiveGuard = SpinCrateWriter;

    #[inline]
    fn lock_shared(&self) -> GuardNoSend {
        std::mem::forget(self.0.read());
        GuardNoSend::new()
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<GuardNoSend> {
        self.0.try_read().map(|guard| {
            std::mem::forget(guard);
            GuardNoSend::new()
        })
    }

    #[inline]
    unsafe fn unlock_shared(&self, _guard: GuardNoSend) {
        // SAFETY: the caller holds a read share, whose guard was forgotten at the acquisition.
        unsafe { self.0.force_read_decrement() }
    }

    #[inline]
    fn lock_exclusive(&self) -> SpinCrateWriter {
        SpinCrateWriter::new(self.0.write())
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<SpinCrateWriter> {
        self.0.try_write().map(SpinCrateWriter::new)
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, guard: SpinCrateWriter) {
        drop(guard.0);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.0.reader_count() > 0 || self.is_locked_exclusive()
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.0.writer_count() > 0
    }
}
