//! The scheduler: workers that run services, one turn after the other.
//!
//! The way of a message: [`Scheduler::post`] finds the mailbox and pushes; a mailbox that becomes
//! ready goes to the run queue, or to the next slot of the worker that made it ready; a worker
//! takes it and runs a turn (`worker.rs`), then puts it back if more waits.
//!
//! Threads: `run_worker` once for each worker, `run_watcher` once. None of them wakes up while
//! the node is idle. One of the idle workers waits for the sockets (`outside.rs`).

mod accounting;
mod cpu_clock;
mod outside;
mod panic;
mod scheduler;
mod watcher;
mod weight;
mod worker;

pub(crate) use cpu_clock::thread_cpu_ns;
pub use outside::Outside;
pub(crate) use panic::panic_text;
pub use scheduler::{Endless, Reports, Scheduler, Settings};
pub use weight::Weight;
