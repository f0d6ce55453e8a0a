//! The table of slots that readers of all `rw_slots` locks share, a cache line each.
//!
//! Called by `rw_slots` only. A slot belongs to nobody for long: a thread looks at the one that its
//! token and the lock's address point to, and does without when it is taken. Tokens are consecutive
//! numbers, so the first threads of a process never meet in a slot over the same lock.
//!
//! | word | meaning | set by | cleared by |
//! |---|---|---|---|
//! | 0 | free | the reader that leaves | |
//! | address of a lock | a reader of that lock is in, or about to leave again | that reader | it |
//! | address + 1 `AWAITED` | the same, and a writer of that lock may be parked | the writer | it |

use crossbeam_utils::CachePadded;

use crate::sync::facade::atomic::{AtomicU64, Ordering};
use crate::sync::facade::{global, thread};
use crate::sync::futex;
use crate::sync::lock::patience::Patience;

const FREE: u64 = 0;
const AWAITED: u64 = 1;

/// More than most machines have cores; a writer that closes the door looks at all of them. In a
/// model one is enough to have a reader in it, a reader beside it, and a stranger in the way.
const SLOTS: usize = if cfg!(any(ironsky_loom, ironsky_shuttle)) { 1 } else { 64 };

/// Looks before parking; see `mutex`.
const SPIN_ROUNDS: u32 = 100;

global!(const TABLE: [CachePadded<Slot>; SLOTS] = [const { CachePadded::new(Slot::new()) }; SLOTS]);

/// A lock as the word of a slot names it: its address, which is not 0 and even.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Tenant(u64);

impl Tenant {
    /// The lock that this word is part of.
    #[inline]
    pub(super) fn of(word: &AtomicU64) -> Self {
        Self(std::ptr::from_ref(word).addr() as u64)
    }

    /// The slot of the thread with this token. The address is spread over the upper bits of the
    /// product, so that locks side by side lead one thread to different slots.
    #[inline]
    fn home(self, token: usize) -> usize {
        let spread = self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58;
        token.wrapping_add(spread as usize) % SLOTS
    }
}

/// A place for one reader.
#[derive(Debug)]
pub(super) struct Slot {
    word: AtomicU64,
}

impl Slot {
    const fn new() -> Self {
        Self { word: AtomicU64::new(FREE) }
    }

    /// All slots.
    pub(super) fn all() -> &'static [CachePadded<Self>] {
        TABLE.as_slice()
    }

    /// The slot of the calling thread for this lock.
    #[inline]
    pub(super) fn of(tenant: Tenant) -> &'static Self {
        &Self::all()[tenant.home(thread::token())]
    }

    /// Enters, if the slot is free.
    #[inline]
    pub(super) fn enter(&self, tenant: Tenant) -> bool {
        // Acquire: pairs with the Release in `ask`; who enters after the question sees the door
        // closed.
        self.word.compare_exchange(FREE, tenant.0, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Leaves, and wakes the writer that waits for it.
    #[inline]
    pub(super) fn leave(&self) {
        // Release: pairs with the Acquire in `ask` and `wait_until_left_by`.
        if self.word.swap(FREE, Ordering::Release) & AWAITED != 0 {
            self.wake();
        }
    }

    // All of them: one that waits for another reader in the same slot looks again.
    #[cold]
    #[inline(never)]
    fn wake(&self) {
        futex::wake(&self.word, futex::EVERYBODY, futex::ANYBODY);
    }

    /// Says whether a reader of this lock seems to be in.
    pub(super) fn is_held_by(&self, tenant: Tenant) -> bool {
        // Acquire: pairs with the Release in `leave`, as for `wait_until_left_by`.
        self.word.load(Ordering::Acquire) & !AWAITED == tenant.0
    }

    /// Says whether a reader of this lock is in; who enters after that sees what the caller did.
    pub(super) fn ask(&self, tenant: Tenant) -> bool {
        // A read-modify-write that changes nothing.
        // Acquire: pairs with the Release in `leave`. Release: pairs with the Acquire in `enter`.
        self.word.fetch_or(0, Ordering::AcqRel) & !AWAITED == tenant.0
    }

    /// Asks, and waits until the reader has left. Readers that come later leave by themselves.
    pub(super) fn wait_until_left_by(&self, tenant: Tenant) {
        if !self.ask(tenant) {
            return;
        }
        let mut patience = Patience::new(SPIN_ROUNDS);
        while self.is_held_by(tenant) {
            if !patience.pause() {
                self.park(tenant);
            }
        }
    }

    /// Announces the sleep and sleeps, unless the reader has left meanwhile.
    fn park(&self, tenant: Tenant) {
        let announced = tenant.0 | AWAITED;
        // Relaxed: nothing is published; the caller's loop acquires.
        let previous =
            self.word.compare_exchange(tenant.0, announced, Ordering::Relaxed, Ordering::Relaxed);
        if previous.is_ok() || previous == Err(announced) {
            #[expect(clippy::cast_possible_truncation, reason = "the low half is waited on")]
            futex::wait(&self.word, announced as u32, futex::ANYBODY);
        }
    }

    /// Says whether a writer may be parked here.
    #[cfg(test)]
    pub(super) fn is_awaited(&self) -> bool {
        self.word.load(Ordering::Relaxed) & AWAITED != 0
    }
}

#[cfg(test)]
#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn consecutive_threads_never_meet_over_one_lock() {
        for address in (0x7F00_0000..0x7F00_0400).step_by(8) {
            let homes: HashSet<_> = (7..7 + SLOTS).map(|t| Tenant(address).home(t)).collect();
            assert_eq!(homes.len(), SLOTS);
        }
    }

    #[test]
    fn locks_side_by_side_use_different_slots() {
        let home = |index: u64| Tenant(0x1000 + index * 16).home(1);
        assert!((0..1_000).all(|index| home(index) != home(index + 1)));
    }
}
