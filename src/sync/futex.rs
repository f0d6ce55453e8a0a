//! Sleep until a word changes: the one place where `sync` talks to the operating system.
//!
//! Called by the slow paths of the locks and by `parker`. On Linux it is the futex system call; on
//! other systems and in models it is `table`, a hashed table of blocking pairs with the same
//! contract.
//!
//! Contract:
//! 1. `wait` compares the low 32 bits of the word with `expected` and goes to sleep as one step
//!    against `wake`: a waker that changes those bits first and wakes afterwards is never missed.
//! 2. `wait` may return without a wake (the bits differed, or a signal). The caller looks again.
//! 3. `wake` wakes at most `count` sleepers whose mask shares a bit with `mask`. It uses only the
//!    address of the word: the memory may be gone by then, at worst a stranger wakes (see 2).
//! 4. Nothing is ordered by these calls. The caller's atomics order its data.

use std::cell::Cell;
use std::time::Duration;

use crate::sync::facade::atomic::{AtomicU32, AtomicU64, Ordering};

cfg_select! {
    all(target_os = "linux", not(any(ironsky_loom, ironsky_shuttle))) => {
        mod linux;
        #[cfg(test)]
        mod table;
        use linux as system;
    }
    _ => {
        mod table;
        use table as system;
    }
}

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// Counts the sleeps and wake-ups that the calling thread asked the operating system for, through
/// the locks and parkers of the house, since it began. A call costs far more than its count.
#[must_use]
pub fn futex_calls() -> u64 {
    CALLS.get()
}

fn count_call() {
    CALLS.set(CALLS.get() + 1);
}

/// A mask that every sleeper shares.
pub(super) const ANYBODY: u32 = u32::MAX;

/// How many sleepers: all of them.
pub(super) const EVERYBODY: u32 = i32::MAX.unsigned_abs();

/// An atomic word whose low 32 bits can be waited on.
pub(super) trait Word {
    /// Reads the low 32 bits. Relaxed: rule 4 of the contract.
    #[allow(dead_code, reason = "the kernel reads the word itself; the table needs this")]
    fn low(&self) -> u32;
    /// Returns the address of the low 32 bits.
    fn place(&self) -> *const u32;
}

impl Word for AtomicU32 {
    fn low(&self) -> u32 {
        self.load(Ordering::Relaxed)
    }

    fn place(&self) -> *const u32 {
        std::ptr::from_ref(self).cast()
    }
}

impl Word for AtomicU64 {
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
    fn low(&self) -> u32 {
        self.load(Ordering::Relaxed) as u32
    }

    fn place(&self) -> *const u32 {
        let halves = std::ptr::from_ref(self).cast::<u32>();
        if cfg!(target_endian = "big") { halves.wrapping_add(1) } else { halves }
    }
}

/// Sleeps while the low bits of `word` are `expected`, until a wake that fits `mask`.
pub(super) fn wait(word: &impl Word, expected: u32, mask: u32) {
    count_call();
    let _woken = system::wait(word, expected, mask, None);
}

/// As [`wait`], for at most `timeout`. Returns false when the time ran out.
pub(super) fn wait_timeout(word: &impl Word, expected: u32, mask: u32, timeout: Duration) -> bool {
    count_call();
    system::wait(word, expected, mask, Some(timeout))
}

/// Wakes up to `count` sleepers of `word` that fit `mask`.
pub(super) fn wake(word: &impl Word, count: u32, mask: u32) {
    count_call();
    system::wake(word.place(), count, mask);
}

#[cfg(test)]
#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
mod tests;
