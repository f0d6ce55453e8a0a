//! The threads of one run, and what they used up.

use crate::affinity;
use crate::sched::thread_cpu_ns;
use std::thread::JoinHandle;

/// What threads used up in their whole lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// Processor time.
    pub(super) cpu_ns: u64,
    /// Context switches, voluntary and involuntary; none where the system does not say.
    pub(super) switches: Option<[u64; 2]>,
}

impl Used {
    fn by_this_thread() -> Self {
        let status = std::fs::read_to_string("/proc/thread-self/status").ok();
        Self { cpu_ns: thread_cpu_ns(), switches: status.and_then(|status| switches(&status)) }
    }

    fn and(self, other: Self) -> Self {
        let sum = |(one, two): ([u64; 2], [u64; 2])| [one[0] + two[0], one[1] + two[1]];
        Self {
            cpu_ns: self.cpu_ns + other.cpu_ns,
            switches: self.switches.zip(other.switches).map(sum),
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

/// Threads that say at their end what they used up.
#[derive(Default)]
pub(super) struct Threads(Vec<JoinHandle<Used>>);

impl Threads {
    /// Starts a thread, on a certain core if there is one with this number.
    pub(super) fn spawn(&mut self, core: Option<usize>, body: impl FnOnce() + Send + 'static) {
        self.0.push(std::thread::spawn(move || {
            // Where the system does not pin, the figures are those of a run without pinning.
            core.map(|core| affinity::pin_current(core % affinity::cores()));
            body();
            Used::by_this_thread()
        }));
    }

    /// Waits for their ends and returns what they used up together.
    pub(super) fn join(self) -> Used {
        let ends = self.0.into_iter().map(|thread| thread.join().expect("it does not panic"));
        ends.reduce(Used::and).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_read_by_name() {
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n";
        assert_eq!(switches(status), Some([150, 545]));
        assert_eq!(switches("Name:\tx\n"), None);
    }

    #[test]
    fn what_threads_use_up_is_added() {
        let mut threads = Threads::default();
        for core in [None, Some(0)] {
            threads.spawn(core, || {
                let begin = thread_cpu_ns();
                while thread_cpu_ns() < begin + 1_000_000 {
                    std::hint::spin_loop();
                }
            });
        }
        assert!(threads.join().cpu_ns >= 2_000_000);
    }
}
