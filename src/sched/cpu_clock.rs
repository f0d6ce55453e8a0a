//! The CPU time of the calling thread.
//!
//! Reading it is a system call, so `accounting` reads it once a slice, not once a message.

/// Returns the CPU time of the calling thread in nanoseconds; 0 where there is no such clock.
pub(crate) fn thread_cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a live timespec that the call may fill; the clock id is a constant.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) } != 0;
    if failed { 0 } else { time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_makes_it_grow() {
        let before = thread_cpu_ns();
        let mut sum = 0u64;
        while thread_cpu_ns() == before {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(thread_cpu_ns() > before);
    }
}
