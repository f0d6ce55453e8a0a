//! The threads of one run, and what they used up.

use crate::affinity;
use crate::lab::measure::usage::Usage;
use std::thread::JoinHandle;

/// Threads that say at their end what they used up.
#[derive(Default)]
pub(super) struct Threads(Vec<JoinHandle<Usage>>);

impl Threads {
    /// Starts a thread, on a certain core if there is one with this number.
    pub(super) fn spawn(&mut self, core: Option<usize>, body: impl FnOnce() + Send + 'static) {
        self.0.push(std::thread::spawn(move || {
            // Where the system does not pin, the figures are those of a run without pinning.
            core.map(|core| affinity::pin_current(core % affinity::cores()));
            body();
            Usage::of_this_thread()
        }));
    }

    /// Waits for their ends and returns what they used up together.
    pub(super) fn join(self) -> Usage {
        let ends = self.0.into_iter().map(|thread| thread.join().expect("it does not panic"));
        ends.reduce(Usage::and).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sched::thread_cpu_ns;

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
