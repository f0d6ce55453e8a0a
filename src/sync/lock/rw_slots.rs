//! `rw_slots`: readers take a place of their own and write no line that another reader writes.
//!
//! Called through `Strategy`, for tables that many threads read and hardly anybody writes. It is a
//! second entrance to any reader-writer lock, here the phase-fair one: while the *door* is open, a
//! reader enters a slot of a static table and never touches the lock underneath. A writer takes the
//! lock underneath, closes the door and waits for the readers in slots. Readers then go through the
//! lock underneath, until one of them opens the door again. The design is that of BRAVO (Dice and
//! Kogan, 2019), with slots of a cache line each and a writer that parks.
//!
//! | door | meaning | set by |
//! |---|---|---|
//! | 0 `OPEN` | readers enter slots | a reader that holds a share underneath |
//! | `CLOSING` | a writer looks through the slots | a writer that holds the lock underneath |
//! | other | closed; a reader may open it at this time | that writer, when the slots are left |
//!
//! *Invariants*
//! 1. The door opens only while its opener holds a share underneath, or by a writer whose try
//!    failed and who holds the lock underneath. So no writer is in when it opens.
//! 2. A reader in a slot looked at the door again after it had entered, and found it open.
//! 3. A writer asks each slot by a read-modify-write after it closed the door. A slot's
//!    read-modify-writes have one order: either the writer's finds the reader, and waits; or the
//!    reader's comes later, receives what the writer had done, and finds the door closed. So no
//!    total order (SeqCst) is needed, and no fence.
//! 4. Only the holder of the lock underneath waits at slots, so at most one writer of each lock
//!    does.
//!
//! *Promise*: that of the lock underneath, where readers in slots belong to the reader phase. A
//! writer also waits for those that were in a slot when it closed the door; those that come later
//! find the door closed. Closing may cost a writer at most a tenth of its time: the door stays
//! closed for [`WINDOW`] times as long as the closing took.

use lock_api::RawRwLock;

use self::slot::{Slot, Tenant};
use super::RawRwFair;
use crate::sync::facade::atomic::{AtomicU64, Ordering};
use crate::sync::facade::time;
use crate::sync::strategy::Named;

mod slot;

const OPEN: u64 = 0;
const CLOSING: u64 = u64::MAX;
/// A fresh lock: closed, so that a lock that is never read is never closed, and due since ever.
const FRESH: u64 = 1;

/// How many times the cost of closing the door stays closed.
const WINDOW: u64 = 9;

/// The raw lock: slots in front of the lock `U`.
#[derive(Debug)]
pub struct RawSlots<U> {
    under: U,
    door: AtomicU64,
}

/// The raw phase-fair lock with slots for readers.
pub type RawRwSlots = RawSlots<RawRwFair>;

impl Named for RawRwSlots {
    const NAME: &'static str = "slots";
}

/// A read share: a slot, or a share of the lock underneath.
#[derive(Debug)]
pub struct SlotsShare<G>(Entrance<G>);

#[derive(Debug)]
enum Entrance<G> {
    Slot(&'static Slot),
    Under(G),
}

// SAFETY:
// - exclusion among those who hold `under`: its own. Between a writer and readers in slots:
//   invariants 2 and 3, until the writer leaves by invariant 1.
// - what a reader in a slot did is received by the writer that asks or waits at the slot; what a
//   writer did is received through `under` by who opens the door, and from it through the door.
unsafe impl<U: RawRwLock> RawRwLock for RawSlots<U> {
    const INIT: Self = Self { under: U::INIT, door: AtomicU64::new(FRESH) };

    type SharedGuard = SlotsShare<U::SharedGuard>;
    type ExclusiveGuard = U::ExclusiveGuard;

    #[inline]
    fn lock_shared(&self) -> Self::SharedGuard {
        SlotsShare(match self.enter_slot() {
            Some(slot) => Entrance::Slot(slot),
            None => Entrance::Under(self.enter_under()),
        })
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<Self::SharedGuard> {
        let entrance = match self.enter_slot() {
            Some(slot) => Entrance::Slot(slot),
            None => Entrance::Under(self.under.try_lock_shared()?),
        };
        Some(SlotsShare(entrance))
    }

    #[inline]
    unsafe fn unlock_shared(&self, guard: Self::SharedGuard) {
        match guard.0 {
            Entrance::Slot(slot) => slot.leave(),
            // SAFETY: the caller holds this share of `under`.
            Entrance::Under(share) => unsafe { self.under.unlock_shared(share) },
        }
    }

    #[inline]
    fn lock_exclusive(&self) -> U::ExclusiveGuard {
        let guard = self.under.lock_exclusive();
        if self.is_open() {
            self.close();
        }
        guard
    }

    fn try_lock_exclusive(&self) -> Option<U::ExclusiveGuard> {
        // A look first: a try that must fail does not disturb the readers.
        if self.is_open() && self.has_reader_in_slot() {
            return None;
        }
        let guard = self.under.try_lock_exclusive()?;
        if !self.is_open() || self.try_close() {
            return Some(guard);
        }
        // SAFETY: it was taken above.
        unsafe { self.under.unlock_exclusive(guard) };
        None
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, guard: U::ExclusiveGuard) {
        // SAFETY: the caller holds the lock, so it holds `under`.
        unsafe { self.under.unlock_exclusive(guard) }
    }

    fn is_locked(&self) -> bool {
        self.under.is_locked() || self.has_reader_in_slot()
    }

    fn is_locked_exclusive(&self) -> bool {
        self.under.is_locked_exclusive() && !self.has_reader_in_slot()
    }
}

impl<U: RawRwLock> RawSlots<U> {
    #[inline]
    fn tenant(&self) -> Tenant {
        Tenant::of(&self.door)
    }

    #[inline]
    fn is_open(&self) -> bool {
        // Acquire: pairs with the Release in `open_if_due` and `try_close`; what the last writer
        // did came to the opener through `under`.
        self.door.load(Ordering::Acquire) == OPEN
    }

    /// Enters the slot of the calling thread, if the door is open and the slot is free.
    #[inline]
    fn enter_slot(&self) -> Option<&'static Slot> {
        if !self.is_open() {
            return None;
        }
        let slot = Slot::of(self.tenant());
        if !slot.enter(self.tenant()) {
            return None;
        }
        if !self.is_open() {
            slot.leave();
            return None;
        }
        Some(slot)
    }

    #[cold]
    fn enter_under(&self) -> U::SharedGuard {
        let share = self.under.lock_shared();
        self.open_if_due();
        share
    }

    /// Opens the door when its time has come. The caller holds a share of `under`.
    fn open_if_due(&self) {
        // Relaxed: `under` ordered it after the writer that set it.
        let due = self.door.load(Ordering::Relaxed);
        if due != OPEN && time::nanoseconds() >= due {
            // Release: pairs with the Acquire in `is_open`. A swap and not a store, so that loom
            // orders it against the looks of others.
            self.door.swap(OPEN, Ordering::Release);
        }
    }

    /// Closes the door and waits for the readers in slots. The caller holds `under`.
    #[cold]
    fn close(&self) {
        let began = time::nanoseconds();
        // Relaxed: each question at a slot publishes it.
        self.door.swap(CLOSING, Ordering::Relaxed);
        for slot in Slot::all() {
            slot.wait_until_left_by(self.tenant());
        }
        self.stay_closed_since(began);
    }

    /// As [`close`](Self::close), but opens the door again when a reader is in.
    #[cold]
    fn try_close(&self) -> bool {
        let began = time::nanoseconds();
        // Relaxed: as in `close`.
        self.door.swap(CLOSING, Ordering::Relaxed);
        let is_left = Slot::all().iter().all(|slot| !slot.ask(self.tenant()));
        if is_left {
            self.stay_closed_since(began);
        } else {
            // Release: pairs with the Acquire in `is_open`; `under` gave this thread all that
            // writers did.
            self.door.swap(OPEN, Ordering::Release);
        }
        is_left
    }

    /// Says when a reader may open the door that began to close at this time.
    fn stay_closed_since(&self, began: u64) {
        let now = time::nanoseconds();
        let due = now + (now - began) * WINDOW;
        // Relaxed: read by who holds a share of `under` after the caller; to others it is closed.
        self.door.swap(due, Ordering::Relaxed);
    }

    fn has_reader_in_slot(&self) -> bool {
        Slot::all().iter().any(|slot| slot.is_held_by(self.tenant()))
    }
}

#[cfg(test)]
#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
mod tests;
