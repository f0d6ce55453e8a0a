//! Measures a queue: producers that push and consumers that pop, as fast as they can.
//!
//! Called through the tables of `measure`. An operation is an element that was popped. Its latency
//! is the time it was in the queue, taken for one element in [`WATCH_EVERY`]. Producers that are
//! far ahead wait, or the figures would be those of the allocator.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_utils::CachePadded;
use hdrhistogram::Histogram;

use super::crowd::{self, Signal, Turn};
use super::{Outcome, Round, WATCH_EVERY, memory};
use crate::lab::record::{Sample, Share};
use crate::lab::stats::{self, histogram, jain};
use crate::lab::subjects::Queue;

/// How many threads push and how many pop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Threads that push.
    pub producers: usize,
    /// Threads that pop.
    pub consumers: usize,
}

/// Elements that may wait before producers wait.
const BACKLOG_MAX: u64 = 4_096;

/// A thread tells the others how far it is once in so many elements.
const TELL_EVERY: u64 = 64;

/// Room in a bounded queue: the backlog, and what each of up to 64 producers has not told yet.
const CAPACITY: usize = 8_192;

/// An element that carries no time.
const UNTIMED: u64 = 0;

/// What the threads of a round share.
struct Counters {
    pushed: CachePadded<AtomicU64>,
    popped: CachePadded<AtomicU64>,
}

/// What one thread writes down.
struct Book {
    consumer: bool,
    operations: u64,
    waits: Histogram<u64>,
}

/// The two kinds of ends, as one thread takes one.
enum End<P, C> {
    Producer(P),
    Consumer(C),
    /// The queue has no end left for this thread.
    Nothing,
}

/// Measures `Q` for one round.
pub(super) fn measure<Q: Queue + 'static>(ends: &Ends, round: Round) -> Outcome {
    let queue = CachePadded::new(Q::new(CAPACITY));
    let counters =
        Counters { pushed: CachePadded::default(), popped: CachePadded::new(AtomicU64::new(0)) };
    let single = Mutex::new(());
    let turns = crowd::run(ends.producers + ends.consumers, round.duration, round.pin, |number| {
        // One after the other: a queue with one consumer gives it to the first.
        let _in_order = single.lock().unwrap_or_else(PoisonError::into_inner);
        let end = if number < ends.producers {
            End::Producer(queue.producer())
        } else {
            queue.consumer().map_or(End::Nothing, End::Consumer)
        };
        let counters = &counters;
        move |signal: &Signal| work(end, signal, counters)
    });
    summarize(&turns.turns, turns.wall.as_secs_f64(), memory::bytes_per_element::<Q>())
}

fn work(
    end: End<impl FnMut(u64), impl FnMut() -> Option<u64>>,
    signal: &Signal,
    counters: &Counters,
) -> Book {
    match end {
        End::Producer(push) => produce(push, signal, counters),
        End::Consumer(pop) => consume(pop, signal, counters),
        End::Nothing => Book { consumer: true, operations: 0, waits: histogram() },
    }
}

fn produce(mut push: impl FnMut(u64), signal: &Signal, counters: &Counters) -> Book {
    let mut operations = 0;
    while !signal.is_over() {
        let timed = operations % u64::from(WATCH_EVERY) == 0;
        let item = if timed { signal.moment(Instant::now()).max(1) } else { UNTIMED };
        push(item);
        operations += 1;
        if operations % TELL_EVERY == 0 {
            counters.pushed.fetch_add(TELL_EVERY, Ordering::Relaxed);
            wait_for_consumers(signal, counters);
        }
    }
    Book { consumer: false, operations, waits: histogram() }
}

/// Waits while too much is in the queue. Relaxed counts: they limit memory and order nothing.
fn wait_for_consumers(signal: &Signal, counters: &Counters) {
    let backlog = || {
        let popped = counters.popped.load(Ordering::Relaxed);
        counters.pushed.load(Ordering::Relaxed).saturating_sub(popped)
    };
    while backlog() > BACKLOG_MAX && !signal.is_over() {
        std::thread::yield_now();
    }
}

fn consume(mut pop: impl FnMut() -> Option<u64>, signal: &Signal, counters: &Counters) -> Book {
    let mut book = Book { consumer: true, operations: 0, waits: histogram() };
    let mut untold = 0;
    while !signal.is_over() {
        let item = pop();
        match item {
            None => {
                counters.popped.fetch_add(std::mem::take(&mut untold), Ordering::Relaxed);
                std::thread::yield_now();
                continue;
            }
            Some(UNTIMED) => {}
            Some(pushed) => {
                let now = signal.moment(Instant::now());
                book.waits.saturating_record(now.saturating_sub(pushed));
            }
        }
        black_box(item);
        book.operations += 1;
        untold += 1;
        if untold == TELL_EVERY {
            counters.popped.fetch_add(std::mem::take(&mut untold), Ordering::Relaxed);
        }
    }
    book
}

fn summarize(turns: &[Turn<Book>], wall_s: f64, bytes_per_element: Option<f64>) -> Outcome {
    let usage = turns.iter().map(|turn| turn.usage).reduce(|sum, usage| sum.and(usage));
    let usage = usage.unwrap_or_default();
    let mut waits = histogram();
    for turn in turns {
        waits.add(&turn.found.waits).expect("the bounds are the same");
    }
    let share =
        |book: &Book| Share { operations: book.operations, held_ns: 0, reader: book.consumer };
    let threads: Vec<Share> = turns.iter().map(|turn| share(&turn.found)).collect();
    let of_producers = threads.iter().filter(|share| !share.reader);
    let sample = Sample {
        wall_s,
        operations: threads.iter().filter(|share| share.reader).map(|share| share.operations).sum(),
        latency: stats::latency(&waits),
        jain_operations: jain(of_producers.map(|share| share.operations)),
        threads,
        cpu_s: usage.cpu_ns as f64 / 1e9,
        switches: usage.switches,
        bytes_per_element,
        ..Sample::default()
    };
    Outcome { sample, waits, owners: Vec::new(), lost: 0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::lab::measure::queues;

    #[test]
    fn every_queue_is_measured_with_one_consumer_and_with_two() {
        let round = Round { duration: Duration::from_millis(5), pin: false, owners: false };
        for entry in queues() {
            for consumers in [1, 2] {
                let ends = Ends { producers: 2, consumers };
                let sample = (entry.measure)(&ends, round).sample;
                assert_eq!(sample.threads.len(), 2 + consumers, "{}", entry.facts.name);
                let pushed: u64 = sample.threads[..2].iter().map(|share| share.operations).sum();
                assert!(sample.operations <= pushed, "{}: {sample:?}", entry.facts.name);
            }
        }
    }
}
