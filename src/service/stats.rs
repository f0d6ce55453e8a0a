//! What is counted for each service. Spec: runtime sections 5.6 and 5.8.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Counters of one service.
///
/// Written by the worker that runs the service, read by anybody. Everything is `Relaxed`: the
/// numbers order nothing, and a reader on the worker itself sees its own writes.
#[derive(Debug, Default)]
pub struct Stats {
    messages: AtomicU64,
    cpu_ns: AtomicU64,
    backlog: AtomicUsize,
    endless: AtomicBool,
}

impl Stats {
    /// Returns how many messages were handled, the current one included.
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Returns the CPU time of finished messages, in nanoseconds; 0 without profiling.
    pub fn cpu_ns(&self) -> u64 {
        self.cpu_ns.load(Ordering::Relaxed)
    }

    /// Returns how many messages of the current batch are still to be handled.
    pub fn backlog(&self) -> usize {
        self.backlog.load(Ordering::Relaxed)
    }

    /// Tells whether a message was reported as endless since the last call, and clears that.
    pub fn take_endless(&self) -> bool {
        self.endless.swap(false, Ordering::Relaxed)
    }

    /// Notes that a message of this service runs for too long.
    pub fn set_endless(&self) {
        self.endless.store(true, Ordering::Relaxed);
    }

    /// Counts a message that is about to be handled.
    pub fn begin_message(&self, backlog: usize) {
        // One writer, so load and store do not lose a count.
        self.messages.store(self.messages() + 1, Ordering::Relaxed);
        self.backlog.store(backlog, Ordering::Relaxed);
    }

    /// Adds CPU time of messages that were handled.
    pub fn add_cpu_ns(&self, ns: u64) {
        self.cpu_ns.store(self.cpu_ns() + ns, Ordering::Relaxed);
    }
}
