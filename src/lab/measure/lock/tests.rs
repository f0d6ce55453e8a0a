//! All locks can be measured; one that is unfair on purpose shows it, and so does a broken one.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::*;
use crate::lab::measure::{exclusive, shared};
use crate::lab::subjects::Facts;

const LOAD: Load =
    Load { threads: 3, mix: Mix::Exclusive, section_ns: 0, blocking: false, outside_ns: 0 };

fn round(ms: u64) -> Round {
    Round { duration: Duration::from_millis(ms), pin: false, owners: true }
}

fn check_sample(name: &str, load: &Load, outcome: &Outcome) {
    let sample = &outcome.sample;
    assert_eq!(outcome.lost, 0, "{name}");
    assert_eq!(sample.threads.len(), load.threads, "{name}");
    let sum: u64 = sample.threads.iter().map(|share| share.operations).sum();
    assert_eq!(sum, sample.operations, "{name}");
    assert!(sample.operations > 0 && sample.wall_s > 0.0, "{name}: {sample:?}");
    let jain = sample.jain_operations.unwrap();
    assert!(jain > 0.3 && jain <= 1.0, "{name}: {jain}");
}

#[test]
fn every_exclusive_lock_is_measured() {
    for entry in exclusive() {
        for section_ns in [0, 2_000] {
            let load = Load { section_ns, ..LOAD };
            let outcome = (entry.measure)(&load, round(3));
            check_sample(entry.facts.name, &load, &outcome);
            let all = section_ns > 0;
            assert_eq!(outcome.sample.bypass_max.is_some(), all, "{}", entry.facts.name);
            assert_eq!(outcome.sample.readers, None);
        }
    }
}

#[test]
fn every_shared_lock_is_measured() {
    for entry in shared() {
        for mix in [Mix::Random(900), Mix::Readers(2)] {
            let load = Load { mix, section_ns: 1_000, ..LOAD };
            let outcome = (entry.measure)(&load, round(3));
            check_sample(entry.facts.name, &load, &outcome);
            let readers = outcome.sample.threads.iter().filter(|share| share.reader).count();
            assert_eq!(readers, if mix == Mix::Readers(2) { 2 } else { 0 });
        }
    }
}

#[test]
fn a_share_of_reads_is_drawn_as_asked() {
    let entry = shared().remove(0);
    let load = Load { mix: Mix::Random(900), section_ns: 1_000, threads: 1, ..LOAD };
    let sample = (entry.measure)(&load, round(50)).sample;
    let (reads, writes) = (sample.readers.unwrap().count, sample.writers.unwrap().count);
    let permille = reads * 1_000 / (reads + writes);
    assert!((850..950).contains(&permille), "{reads} reads, {writes} writes");
}

#[test]
fn a_fifo_lock_keeps_its_bound_and_its_owners_take_turns() {
    let fair = exclusive().into_iter().find(|entry| entry.facts.name == "fair").unwrap();
    let load = Load { threads: 4, section_ns: 300_000, blocking: true, ..LOAD };
    let bypass = |outcome: &Outcome| outcome.sample.bypass_max.unwrap();
    // A thread that is interrupted before it draws its ticket counts as passed, so one round proves
    // nothing; but a lock without order would never keep the bound.
    let mut rounds = (0..50).map(|_| (fair.measure)(&load, round(60)));
    let outcome = rounds.find(|outcome| bypass(outcome) <= 3).expect("one round in 50 keeps to it");
    let sample = outcome.sample;
    assert!(sample.jain_operations.unwrap() > 0.9, "{sample:?}");
    assert!(sample.futex_calls.unwrap() > 0);
    let owners = outcome.owners;
    assert!(!owners.is_empty());
    assert!(owners.is_sorted_by(|a, b| a.to_ns <= b.from_ns), "two at once: {owners:?}");
}

thread_local! {
    /// Whether the thread is the favourite of an [`Unfair`] lock.
    static FAVOURITE: Cell<bool> = const { Cell::new(false) };
}

/// Lets the thread that came first pass at once; the others let 20 acquisitions go by.
struct Unfair {
    has_favourite: AtomicBool,
    acquisitions: AtomicU64,
    value: Mutex<u64>,
}

/// The others do not wait longer than this, since the favourite may have ended.
const PATIENCE: Duration = Duration::from_millis(50);

impl Unfair {
    fn let_others_pass(&self) {
        let (from, begin) = (self.acquisitions.load(Ordering::Relaxed), Instant::now());
        let passed = || self.acquisitions.load(Ordering::Relaxed) >= from + 20;
        while !passed() && begin.elapsed() < PATIENCE {
            std::thread::yield_now();
        }
    }
}

impl Lock for Unfair {
    const FACTS: Facts = Facts::rival("unfair");

    fn new() -> Self {
        Self {
            has_favourite: AtomicBool::new(false),
            acquisitions: AtomicU64::new(0),
            value: Mutex::new(0),
        }
    }

    fn write<R>(&self, section: impl FnOnce(&mut u64) -> R) -> R {
        if !self.has_favourite.swap(true, Ordering::Relaxed) {
            FAVOURITE.set(true);
        }
        if !FAVOURITE.get() {
            self.let_others_pass();
        }
        let mut value = self.value.lock().unwrap();
        self.acquisitions.fetch_add(1, Ordering::Relaxed);
        section(&mut value)
    }
}

#[test]
fn an_unfair_lock_shows_it() {
    let load = Load { section_ns: 100_000, blocking: true, ..LOAD };
    let sample = measure::<Unfair>(&load, round(100)).sample;
    assert!(sample.jain_operations.unwrap() < 0.8, "{sample:?}");
    assert!(sample.jain_held.unwrap() < 0.8, "{sample:?}");
    assert!(sample.bypass_max.unwrap() >= 15, "{sample:?}");
    let longest = sample.starved_ns.unwrap();
    assert!(longest >= 15 * load.section_ns, "{sample:?}");
    assert_eq!(sample.futex_calls, None);
}

/// Lets everybody in and forgets what another one wrote meanwhile.
struct Broken(AtomicU64);

impl Lock for Broken {
    const FACTS: Facts = Facts::rival("broken");

    fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn write<R>(&self, section: impl FnOnce(&mut u64) -> R) -> R {
        let mut value = self.0.load(Ordering::Relaxed);
        let result = section(&mut value);
        self.0.store(value, Ordering::Relaxed);
        result
    }
}

#[test]
fn a_lock_that_does_not_exclude_is_found_out() {
    let load = Load { section_ns: 100_000, blocking: true, ..LOAD };
    assert!(measure::<Broken>(&load, round(30)).lost > 0);
}
