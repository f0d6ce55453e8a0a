//! CPU time of services, without a system call a message.
//!
//! A message is charged the time that passed on the monotonic clock, which is cheap to read. Once
//! a slice the thread's CPU clock says what the slice really cost, and the message that ends the
//! slice is charged the rest: so a long message is exact, short ones are off by at most a slice
//! (when the thread was preempted in between), and the sum over a worker is right.

use super::cpu_clock::thread_cpu_ns;
use crate::service::Stats;
use crate::sync::facade::time::Instant;

/// How far the sum may be off before the CPU clock corrects it: short against the hundreds of
/// milliseconds that people look at, long against the 0.3 us of a look at the CPU clock.
const SLICE_NS: u64 = 2_000_000;

/// The clock of one worker.
pub(crate) struct Accounting {
    origin: Instant,
    last_ns: u64,
    slice_ns: u64,
    slice_cpu_ns: u64,
    charged_ns: u64,
}

impl Accounting {
    /// Starts a clock that counts from `origin`.
    pub(crate) fn new(origin: Instant) -> Self {
        let mut clock = Self { origin, last_ns: 0, slice_ns: 0, slice_cpu_ns: 0, charged_ns: 0 };
        clock.resume();
        clock
    }

    /// Starts over after the worker slept. Returns the time since the origin.
    pub(crate) fn resume(&mut self) -> u64 {
        self.last_ns = self.now_ns();
        self.begin_slice(thread_cpu_ns());
        self.last_ns
    }

    /// Charges the time since the last call to a service. Returns the time since the origin.
    pub(crate) fn charge(&mut self, stats: &Stats) -> u64 {
        let now = self.now_ns();
        let wall = now - self.last_ns;
        self.last_ns = now;
        if now - self.slice_ns < SLICE_NS {
            self.charged_ns += wall;
            stats.add_cpu_ns(wall);
            return now;
        }
        let cpu = thread_cpu_ns();
        let spent = cpu.saturating_sub(self.slice_cpu_ns);
        stats.add_cpu_ns(spent.saturating_sub(self.charged_ns));
        self.begin_slice(cpu);
        now
    }

    fn begin_slice(&mut self, cpu_ns: u64) {
        self.slice_ns = self.last_ns;
        self.slice_cpu_ns = cpu_ns;
        self.charged_ns = 0;
    }

    fn now_ns(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_message_is_charged_its_cpu_time_only() {
        let stats = Stats::default();
        let mut clock = Accounting::new(Instant::now());
        std::thread::park_timeout(std::time::Duration::from_millis(30));
        clock.charge(&stats);
        assert!(stats.cpu_ns() < 25_000_000, "charged {} ns for a wait", stats.cpu_ns());
    }

    #[test]
    fn a_busy_message_is_charged() {
        let stats = Stats::default();
        let mut clock = Accounting::new(Instant::now());
        let start = thread_cpu_ns();
        while thread_cpu_ns() - start < 5_000_000 {}
        clock.charge(&stats);
        assert!(stats.cpu_ns() >= 5_000_000, "charged {} ns", stats.cpu_ns());
    }
}
