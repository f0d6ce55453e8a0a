//! What the benches of locks, queues and parkers have in common: short runs of many rows, and
//! threads that start together.
//!
//! The subjects are those of `ironsky lab`, which also measures waiting, fairness and processor
//! time. Compare within one run only.

#![allow(dead_code, reason = "each bench uses a part of it")]

use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, measurement::WallTime};
use ironsky::affinity::cores;
use ironsky::lab::measure::Stretch;
use ironsky::lab::subjects::{Facts, Lock, Spins};
use std::sync::Barrier;
use std::time::{Duration, Instant};

pub(crate) type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// A group whose rows take about this long each. A whole file stays under two minutes.
pub(crate) fn group<'a>(criterion: &'a mut Criterion, name: &str, row_ms: u64) -> Group<'a> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10);
    group.sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(row_ms / 4));
    group.measurement_time(Duration::from_millis(row_ms));
    group.throughput(Throughput::Elements(1));
    group
}

/// One thread, two, and up to eight for each core.
pub(crate) fn ladder() -> Vec<usize> {
    let mut steps = vec![1, 2, cores(), 2 * cores(), 4 * cores(), 8 * cores()];
    steps.sort_unstable();
    steps.dedup();
    steps
}

/// Whether a lock needs seconds for what others do in microseconds: it spins, only the thread whose
/// turn it is may go, and the system does not know which one that is.
pub(crate) fn collapses(facts: &Facts, threads: usize) -> bool {
    facts.spins == Spins::InOrder && threads > cores()
}

/// What each thread of a crowd does with its lock.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    /// Reads among the acquisitions, in tenths of a percent.
    pub(crate) reads: u64,
    pub(crate) inside: Stretch,
    pub(crate) outside: Stretch,
}

/// The time in which `threads` threads do `rounds` acquisitions together. Each thread takes its own
/// times: the thread that waits for all may wake up late.
pub(crate) fn crowd<L: Lock>(threads: usize, rounds: u64, work: Work) -> Duration {
    let lock = L::new();
    let each = rounds.div_ceil(threads as u64);
    together(threads, |thread| acquire(&lock, thread as u64, each, work))
}

fn acquire(lock: &impl Lock, thread: u64, rounds: u64, work: Work) {
    for round in 0..rounds {
        // A fixed pattern that mixes evenly: 377 has no divisor in common with 1000.
        if (round * 377 + thread) % 1_000 < work.reads {
            lock.read(|value| {
                std::hint::black_box(value);
                work.inside.run();
            });
        } else {
            lock.write(|value| {
                *value += 1;
                work.inside.run();
            });
        }
        work.outside.run();
    }
}

/// The time from the first begin to the last end of threads that start together.
pub(crate) fn together(threads: usize, body: impl Fn(usize) + Sync) -> Duration {
    let start = Barrier::new(threads);
    let run = |thread| {
        start.wait();
        let begin = Instant::now();
        body(thread);
        (begin, Instant::now())
    };
    let run = &run;
    let spans: Vec<_> = std::thread::scope(|scope| {
        let crowd: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        crowd.into_iter().map(|thread| thread.join().expect("no body panics")).collect()
    });
    let begin = spans.iter().map(|span| span.0).min().expect("there is a thread");
    let end = spans.iter().map(|span| span.1).max().expect("there is a thread");
    end - begin
}
