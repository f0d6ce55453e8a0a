//! What the calling thread used up: processor time, context switches, futex calls.
//!
//! Called by the measuring loops, at the begin and the end of each thread's round, and by the
//! threads of `actors` at their end.

use crate::sched::thread_cpu_ns;
use crate::sync::futex_calls;

/// What a thread used up, since it began or between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::lab) struct Usage {
    /// Processor time.
    pub(in crate::lab) cpu_ns: u64,
    /// Context switches, voluntary and involuntary; none where the system does not say.
    pub(in crate::lab) switches: Option<[u64; 2]>,
    /// Futex calls of the locks of the house.
    pub(in crate::lab) futex_calls: u64,
}

impl Usage {
    /// What the calling thread used up until now.
    pub(in crate::lab) fn of_this_thread() -> Self {
        let status = std::fs::read_to_string("/proc/thread-self/status").ok();
        let switches = status.and_then(|status| switches(&status));
        Self { cpu_ns: thread_cpu_ns(), switches, futex_calls: futex_calls() }
    }

    /// What was used up since `earlier`.
    pub(in crate::lab) fn since(self, earlier: Self) -> Self {
        let both = self.switches.zip(earlier.switches);
        Self {
            cpu_ns: self.cpu_ns.saturating_sub(earlier.cpu_ns),
            switches: both.map(|(now, then)| [now[0] - then[0], now[1] - then[1]]),
            futex_calls: self.futex_calls - earlier.futex_calls,
        }
    }

    /// What both used up together.
    pub(in crate::lab) fn and(self, other: Self) -> Self {
        let both = self.switches.zip(other.switches);
        Self {
            cpu_ns: self.cpu_ns + other.cpu_ns,
            switches: both.map(|(one, two)| [one[0] + two[0], one[1] + two[1]]),
            futex_calls: self.futex_calls + other.futex_calls,
        }
    }
}

/// Reads the two counts in the text of a thread's status file.
fn switches(status: &str) -> Option<[u64; 2]> {
    let count = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    Some([count("voluntary_ctxt_switches:")?, count("nonvoluntary_ctxt_switches:")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_read_by_name() {
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n";
        assert_eq!(switches(status), Some([150, 545]));
        assert_eq!(switches("Name:\tx\n"), None);
        assert_eq!(switches("voluntary_ctxt_switches:\tmany\n"), None);
    }

    #[test]
    fn what_was_used_up_between_two_moments() {
        let then = Usage { cpu_ns: 5, switches: Some([1, 2]), futex_calls: 3 };
        let now = Usage { cpu_ns: 9, switches: Some([4, 7]), futex_calls: 3 };
        let used = Usage { cpu_ns: 4, switches: Some([3, 5]), futex_calls: 0 };
        assert_eq!(now.since(then), used);
        assert_eq!(now.and(Usage { switches: None, ..used }).switches, None);
    }
}
