//! Measures one subject under one set of conditions for one round.
//!
//! Called by `grid`, through the tables [`exclusive`], [`shared`], [`queues`] and [`parkers`], each
//! with one function a subject.
//!
//! What the figures mean:
//! - *Latency* is from the request to the grant, in a closed loop: a thread asks again when it has
//!   been served. A thread that waits long asks less often, so quantiles over all acquisitions look
//!   better than what a client of a fixed rate would see (coordinated omission). The longest wait
//!   and each thread's share are free of that: read them together.
//! - With sections under [`WATCH_ALL_NS`] only one acquisition in [`WATCH_EVERY`] is timed, because
//!   two looks at the clock take as long as the section. Held time is then scaled up, the longest
//!   wait is that of the timed ones, and there is no bypass count and no timeline.
//! - *Bypass* is the number of grants between a thread's request and its grant. The request is
//!   stamped just before the call, so a thread that is interrupted between the stamp and the lock
//!   is counted as passed although it did not wait yet. With sections that sleep this hardly
//!   happens; with busy sections and more threads than cores it does. Only the blocking questions
//!   show the lock's own bound.

mod crowd;
mod lock;
mod memory;
mod queue;
mod tables;
pub(super) mod usage;
mod wake;
mod work;

use std::time::Duration;

use hdrhistogram::Histogram;

use super::record::{Sample, Tenure};
use super::subjects::Facts;
pub use lock::{Load, Mix};
pub use queue::Ends;
pub use tables::{exclusive, parkers, queues, shared};
pub use work::Stretch;

/// From this length of a section on every acquisition is timed.
pub const WATCH_ALL_NS: u64 = 1_000;

/// One acquisition in so many is timed when sections are shorter: a prime, so that it does not beat
/// with a pattern of the load.
pub const WATCH_EVERY: u32 = 61;

/// One subject in one round.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The figures.
    pub sample: Sample,
    /// All waits, to be merged over the rounds.
    pub waits: Histogram<u64>,
    /// Who held the lock when, if that was asked for.
    pub owners: Vec<Tenure>,
    /// Writes that the lock lost, because it does not exclude.
    pub lost: u64,
}

/// How a round is run, whatever the subject.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// How long the threads run.
    pub duration: Duration,
    /// Whether thread n is pinned to core n modulo the cores.
    pub pin: bool,
    /// Whether to note who held the lock.
    pub owners: bool,
}

/// A subject with the function that measures it under a load of type `L`.
#[derive(Clone, Copy)]
pub struct Entry<L> {
    /// What the subject is.
    pub facts: Facts,
    /// Measures one round.
    pub measure: fn(&L, Round) -> Outcome,
}
