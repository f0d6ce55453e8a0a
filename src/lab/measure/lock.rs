//! Measures a lock: threads that take it again and again.
//!
//! Called through the tables of `measure`.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_utils::CachePadded;
use hdrhistogram::Histogram;

use super::crowd::{self, Signal, Turn};
use super::work::Stretch;
use super::{Outcome, Round, WATCH_ALL_NS, WATCH_EVERY};
use crate::lab::record::{Sample, Share, Tenure};
use crate::lab::stats::{self, histogram, jain};
use crate::lab::subjects::Lock;

/// What the threads do with the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// How many threads.
    pub threads: usize,
    /// Who reads and who writes.
    pub mix: Mix,
    /// Length of the section.
    pub section_ns: u64,
    /// Whether the section sleeps.
    pub blocking: bool,
    /// Work between two sections.
    pub outside_ns: u64,
}

/// Who reads and who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Everybody writes.
    Exclusive,
    /// Each acquisition is a read with this probability, in tenths of a percent.
    Random(u32),
    /// So many threads read and the others write.
    Readers(usize),
}

/// Tenures that one round keeps, over all threads: enough to see who passes whom.
const TENURES_MAX: usize = 200;

/// No tenure is kept yet.
const NONE: u64 = u64::MAX;

/// Measures `L` for one round.
pub(super) fn measure<L: Lock>(load: &Load, round: Round) -> Outcome {
    let arena = Arena::<L> {
        lock: CachePadded::new(L::new()),
        grants: CachePadded::new(AtomicU64::new(0)),
        inside: stretch(load.section_ns, load.blocking),
        outside: Stretch::busy(load.outside_ns),
        load: *load,
        every: if load.section_ns >= WATCH_ALL_NS { 1 } else { WATCH_EVERY },
        middle: round.owners.then(|| (round.duration / 2).as_nanos() as u64),
        first_kept: CachePadded::new(AtomicU64::new(NONE)),
    };
    let turns = crowd::run(load.threads, round.duration, round.pin, |number| {
        let book = Book::new(number);
        let arena = &arena;
        move |signal: &Signal| arena.take_turns(signal, book)
    });
    let written = arena.lock.write(|value| *value);
    summarize(&arena, &turns.turns, turns.wall.as_secs_f64(), written, L::FACTS.own)
}

fn stretch(ns: u64, blocking: bool) -> Stretch {
    if blocking { Stretch::asleep(ns) } else { Stretch::busy(ns) }
}

/// What the threads of a round share.
struct Arena<L> {
    lock: CachePadded<L>,
    /// Grants so far; counted only when every acquisition is watched.
    grants: CachePadded<AtomicU64>,
    inside: Stretch,
    outside: Stretch,
    load: Load,
    every: u32,
    /// The middle of the round: from then on tenures are kept, if at all.
    middle: Option<u64>,
    /// The number of the first grant whose tenure is kept, or `NONE`.
    first_kept: CachePadded<AtomicU64>,
}

/// What one thread writes down.
struct Book {
    thread: u32,
    random: u64,
    operations: u64,
    writes: u64,
    watched: u64,
    held_ns: u64,
    bypass_max: u64,
    read_waits: Histogram<u64>,
    write_waits: Histogram<u64>,
    tenures: Vec<Tenure>,
}

/// The moments of one watched acquisition.
struct Stay {
    granted: Instant,
    released: Instant,
    grants_before: u64,
}

impl Book {
    fn new(number: usize) -> Self {
        Self {
            thread: number as u32,
            random: (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            operations: 0,
            writes: 0,
            watched: 0,
            held_ns: 0,
            bypass_max: 0,
            read_waits: histogram(),
            write_waits: histogram(),
            tenures: Vec::with_capacity(TENURES_MAX),
        }
    }

    /// Draws whether the next acquisition is a read. The quality does not matter; that it costs
    /// the same everywhere does.
    #[inline]
    fn draws_read(&mut self, permille: u32) -> bool {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        ((self.random >> 32) * 1_000) >> 32 < u64::from(permille)
    }
}

impl<L: Lock> Arena<L> {
    fn take_turns(&self, signal: &Signal, mut book: Book) -> Book {
        let mut countdown = 1;
        loop {
            let read = self.reads(&mut book);
            countdown -= 1;
            if countdown == 0 {
                countdown = self.every;
                self.watched_turn(signal, &mut book, read);
            } else {
                self.plain_turn(read);
            }
            book.operations += 1;
            book.writes += u64::from(!read);
            self.outside.run();
            if signal.is_over() {
                return book;
            }
        }
    }

    #[inline]
    fn reads(&self, book: &mut Book) -> bool {
        match self.load.mix {
            Mix::Exclusive => false,
            Mix::Random(permille) => book.draws_read(permille),
            Mix::Readers(readers) => (book.thread as usize) < readers,
        }
    }

    #[inline]
    fn plain_turn(&self, read: bool) {
        if read {
            self.lock.read(|value| {
                black_box(value);
                self.inside.run();
            });
        } else {
            self.lock.write(|value| {
                *value += 1;
                self.inside.run();
            });
        }
    }

    fn watched_turn(&self, signal: &Signal, book: &mut Book, read: bool) {
        let asked = Instant::now();
        // Relaxed: a plain count; the stamp is as exact as the moment at which it is taken.
        let stamp = self.grants.load(Ordering::Relaxed);
        let stay = if read {
            self.lock.read(|value| {
                black_box(value);
                self.stay()
            })
        } else {
            self.lock.write(|value| {
                *value += 1;
                self.stay()
            })
        };
        book.watched += 1;
        book.held_ns += (stay.released - stay.granted).as_nanos() as u64;
        book.bypass_max = book.bypass_max.max(stay.grants_before.saturating_sub(stamp));
        let waits = if read { &mut book.read_waits } else { &mut book.write_waits };
        waits.saturating_record((stay.granted - asked).as_nanos() as u64);
        self.keep_tenure(signal, book, &stay);
    }

    /// The section of a watched acquisition.
    #[inline]
    fn stay(&self) -> Stay {
        let granted = Instant::now();
        // Relaxed: see `watched_turn`. Unwatched acquisitions do not count, so the count means
        // nothing then and is not worth its line.
        let grants_before =
            if self.every == 1 { self.grants.fetch_add(1, Ordering::Relaxed) } else { 0 };
        self.inside.run();
        Stay { granted, released: Instant::now(), grants_before }
    }

    /// Keeps the tenures of grants that follow each other: the first ones after the middle.
    fn keep_tenure(&self, signal: &Signal, book: &mut Book, stay: &Stay) {
        let from_ns = signal.moment(stay.granted);
        if self.every == 1 && self.middle.is_some_and(|middle| from_ns >= middle) {
            let first = self.first_kept(stay.grants_before);
            if (first..first + TENURES_MAX as u64).contains(&stay.grants_before) {
                let to_ns = signal.moment(stay.released);
                book.tenures.push(Tenure { thread: book.thread, from_ns, to_ns });
            }
        }
    }

    /// The number of the first grant to keep: `grant`, if no other thread was earlier.
    fn first_kept(&self, grant: u64) -> u64 {
        // Relaxed: one number, and nothing else is passed on.
        match self.first_kept.load(Ordering::Relaxed) {
            NONE => {
                let (relaxed, word) = (Ordering::Relaxed, &self.first_kept);
                word.compare_exchange(NONE, grant, relaxed, relaxed)
                    .map_or_else(|first| first, |_| grant)
            }
            first => first,
        }
    }
}

fn summarize<L>(
    arena: &Arena<L>,
    turns: &[Turn<Book>],
    wall_s: f64,
    written: u64,
    own: bool,
) -> Outcome {
    let load = arena.load;
    let usage = turns.iter().map(|turn| turn.usage).reduce(|sum, usage| sum.and(usage));
    let usage = usage.unwrap_or_default();
    let (reads, writes) = merged_waits(turns);
    let mut waits = reads.clone();
    waits.add(&writes).expect("the bounds are the same");
    let threads: Vec<Share> = turns.iter().map(|turn| share(load, &turn.found)).collect();
    let operations = threads.iter().map(|share| share.operations).sum();
    let watches_all = arena.every == 1;
    let sample = Sample {
        round: 0,
        wall_s,
        operations,
        latency: stats::latency(&waits),
        readers: stats::latency(&reads).filter(|_| load.mix != Mix::Exclusive),
        writers: stats::latency(&writes).filter(|_| load.mix != Mix::Exclusive),
        jain_operations: jain(threads.iter().map(|share| share.operations)),
        jain_held: jain(threads.iter().map(|share| share.held_ns)),
        threads,
        bypass_max: turns.iter().map(|turn| turn.found.bypass_max).max().filter(|_| watches_all),
        starved_ns: (!waits.is_empty()).then(|| waits.max()),
        cpu_s: usage.cpu_ns as f64 / 1e9,
        wasted_s: Some(wasted_s(load, operations, usage.cpu_ns)),
        switches: usage.switches,
        futex_calls: own.then_some(usage.futex_calls),
        bytes_per_element: None,
    };
    let lost = turns.iter().map(|turn| turn.found.writes).sum::<u64>().abs_diff(written);
    Outcome { sample, waits, owners: owners(turns), lost }
}

fn merged_waits(turns: &[Turn<Book>]) -> (Histogram<u64>, Histogram<u64>) {
    let (mut reads, mut writes) = (histogram(), histogram());
    for turn in turns {
        // An empty one is not worth the walk over its thousands of counts.
        if !turn.found.read_waits.is_empty() {
            reads.add(&turn.found.read_waits).expect("the bounds are the same");
        }
        writes.add(&turn.found.write_waits).expect("the bounds are the same");
    }
    (reads, writes)
}

fn share(load: Load, book: &Book) -> Share {
    let scale = book.operations as f64 / book.watched.max(1) as f64;
    Share {
        operations: book.operations,
        held_ns: (book.held_ns as f64 * scale) as u64,
        reader: matches!(load.mix, Mix::Readers(readers) if (book.thread as usize) < readers),
    }
}

/// Processor time less what sections and the work outside took, by their nominal length.
fn wasted_s(load: Load, operations: u64, cpu_ns: u64) -> f64 {
    let inside = if load.blocking { 0 } else { load.section_ns };
    let useful = operations.saturating_mul(inside + load.outside_ns);
    cpu_ns.saturating_sub(useful) as f64 / 1e9
}

/// The tenures of all threads in order.
fn owners(turns: &[Turn<Book>]) -> Vec<Tenure> {
    let all = turns.iter().flat_map(|turn| turn.found.tenures.iter().copied());
    let mut owners: Vec<Tenure> = all.collect();
    owners.sort_unstable_by_key(|tenure| tenure.from_ns);
    owners
}

#[cfg(test)]
mod tests;
