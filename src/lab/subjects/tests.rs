//! Every subject does what its trait says, and the names are unique within a list.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::*;

#[derive(Default)]
struct Names(Vec<&'static str>);

impl VisitLock for Names {
    fn visit<L: Lock>(&mut self) {
        self.0.push(L::FACTS.name);
    }
}

impl VisitQueue for Names {
    fn visit<Q: Queue>(&mut self) {
        self.0.push(Q::FACTS.name);
    }
}

impl VisitParker for Names {
    fn visit<P: Parker>(&mut self) {
        self.0.push(P::FACTS.name);
    }
}

fn check_names(walk: impl FnOnce(&mut Names), base: &str, count_min: usize) {
    let mut names = Names::default();
    walk(&mut names);
    let unique: HashSet<_> = names.0.iter().collect();
    assert_eq!(unique.len(), names.0.len(), "{:?}", names.0);
    assert!(unique.contains(&base) && names.0.len() >= count_min, "{:?}", names.0);
}

#[test]
fn names_are_unique_and_the_base_is_among_them() {
    check_names(exclusive_locks, BASE_EXCLUSIVE, 13);
    check_names(shared_locks, BASE_SHARED, 12);
    check_names(queues, BASE_QUEUE, 11);
    check_names(parkers, BASE_PARKER, 5);
}

#[test]
fn this_builds_defaults_are_subjects() {
    let [exclusive, shared, queue] = default_subjects();
    let mut names = Names::default();
    exclusive_locks(&mut names);
    shared_locks(&mut names);
    queues(&mut names);
    assert!(names.0.contains(&&*exclusive), "{exclusive}");
    assert!(names.0.contains(&&*shared), "{shared}");
    assert!(names.0.contains(&&*queue) || queue.contains("spin-crate"), "{queue}");
}

struct Excludes;

impl VisitLock for Excludes {
    fn visit<L: Lock>(&mut self) {
        const WRITES: u64 = 2_000;
        let lock = L::new();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..WRITES).for_each(|_| lock.write(|value| *value += 1)));
            }
        });
        assert_eq!(lock.read(|value| value), 2 * WRITES, "{}", L::FACTS.name);
    }
}

#[test]
fn every_lock_excludes() {
    exclusive_locks(&mut Excludes);
    shared_locks(&mut Excludes);
}

struct PassesOn;

impl VisitQueue for PassesOn {
    fn visit<Q: Queue>(&mut self) {
        const ITEMS: u64 = 2_000;
        let queue = Q::new(64);
        let mut pop = queue.consumer().expect("the first consumer");
        let sum = AtomicU64::new(0);
        thread::scope(|scope| {
            scope.spawn(|| (1..=ITEMS).for_each(queue.producer()));
            let mut popped = 0;
            while popped < ITEMS {
                match pop() {
                    Some(item) => {
                        popped += 1;
                        sum.fetch_add(item, Ordering::Relaxed);
                    }
                    None => thread::yield_now(),
                }
            }
        });
        assert_eq!(sum.into_inner(), ITEMS * (ITEMS + 1) / 2, "{}", Q::FACTS.name);
    }
}

#[test]
fn every_queue_passes_everything_on() {
    queues(&mut PassesOn);
}

struct KeepsToken;

impl VisitParker for KeepsToken {
    fn visit<P: Parker>(&mut self) {
        let parker = P::new();
        parker.unpark();
        parker.park();
        thread::scope(|scope| {
            scope.spawn(|| parker.unpark());
            parker.park();
        });
    }
}

#[test]
fn every_parker_keeps_a_token() {
    parkers(&mut KeepsToken);
}

#[test]
fn spinning_is_remarked_only_with_more_threads_than_cores() {
    let spinning = Facts::rival("x").spins(Spins::Freely);
    assert_eq!(spinning.remark_for(2, 2), None);
    assert_eq!(spinning.remark_for(3, 2).unwrap(), "spins with more threads than cores");
    let both = spinning.remark("odd").remark_for(3, 2).unwrap();
    assert_eq!(both, "spins with more threads than cores; odd");
}
