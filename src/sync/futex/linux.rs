//! The futex system call of Linux, with masks (`FUTEX_WAIT_BITSET`, `FUTEX_WAKE_BITSET`).
//!
//! Called by `futex` only. The kernel reads the word itself, 32 bits at an aligned address; no Rust
//! code reads half of a 64-bit atomic.

use std::ptr::null;
use std::time::Duration;

use super::Word;

const WAIT: i32 = libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG;
const WAKE: i32 = libc::FUTEX_WAKE_BITSET | libc::FUTEX_PRIVATE_FLAG;

/// See the contract in `futex`. Returns false when the time ran out.
pub(super) fn wait(
    word: &impl Word,
    expected: u32,
    mask: u32,
    timeout: Option<Duration>,
) -> bool {
    let deadline = timeout.and_then(deadline_after);
    let deadline_place = deadline.as_ref().map_or(null(), std::ptr::from_ref);
    // SAFETY:
    // - `word.place()` is aligned for u32 and readable: `word` is borrowed during the call.
    // - `deadline_place` is null (no limit) or points to a timespec that outlives the call.
    // - FUTEX_WAIT_BITSET ignores the second address; the mask is not 0 (all callers' constants).
    let result = unsafe {
        let second = null::<u32>();
        libc::syscall(libc::SYS_futex, word.place(), WAIT, expected, deadline_place, second, mask)
    };
    result == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::ETIMEDOUT)
}

/// See the contract in `futex`.
pub(super) fn wake(place: *const u32, count: u32, mask: u32) {
    // SAFETY: the kernel uses `place` as a key and never reads or writes it for this operation;
    // an address that is no longer mapped is an error that it returns, which nobody waits for.
    unsafe {
        libc::syscall(libc::SYS_futex, place, WAKE, count, null::<u32>(), null::<u32>(), mask);
    }
}

/// Now plus `timeout` on the monotonic clock, which the call wants; none when it is out of range.
fn deadline_after(timeout: Duration) -> Option<libc::timespec> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid, writable timespec; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let nanos = now.tv_nsec + i64::from(timeout.subsec_nanos());
    let seconds = i64::try_from(timeout.as_secs()).ok()?.checked_add(nanos / 1_000_000_000)?;
    let tv_sec = now.tv_sec.checked_add(seconds)?;
    Some(libc::timespec { tv_sec, tv_nsec: nanos % 1_000_000_000 })
}
