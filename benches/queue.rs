//! Question: what do a push and a pop of a run queue cost, alone and among threads?
//!
//! The run queues of the house beside std's channel and those of crossbeam and smol. The items are
//! numbers and nothing is done with them, so this says which queue to choose and not how fast a
//! scheduler is. The bounded queue has room for 8,192; producers wait while it is full.

mod lab;

use criterion::{Criterion, criterion_group, criterion_main};
use ironsky::lab::subjects::{Queue, VisitQueue, queues};
use lab::Group;
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const CAPACITY: usize = 8_192;

struct Pair<'a, 'c>(&'a mut Group<'c>);

impl VisitQueue for Pair<'_, '_> {
    fn visit<Q: Queue + 'static>(&mut self) {
        let queue = Q::new(CAPACITY);
        let mut push = queue.producer();
        let mut pop = queue.consumer().expect("the first consumer");
        self.0.bench_function(Q::FACTS.name, |bencher| {
            bencher.iter(|| {
                push(1);
                black_box(pop())
            });
        });
    }
}

/// The time in which `items` items go from the producers to the consumers.
fn stream<Q: Queue>(producers: usize, consumers: usize, items: u64) -> Duration {
    let queue = Q::new(CAPACITY);
    let each = items.div_ceil(producers as u64);
    let total = each * producers as u64;
    let popped = AtomicU64::new(0);
    let pops = Mutex::new((0..consumers).filter_map(|_| queue.consumer()).collect::<Vec<_>>());
    lab::together(producers + consumers, |thread| {
        if thread < producers {
            (0..each).for_each(queue.producer());
        } else if let Some(pop) = pops.lock().expect("no end panics").pop() {
            drain(pop, &popped, total);
        }
    })
}

fn drain(mut pop: impl FnMut() -> Option<u64>, popped: &AtomicU64, total: u64) {
    while popped.load(Ordering::Relaxed) < total {
        match pop() {
            Some(item) => {
                black_box(item);
                popped.fetch_add(1, Ordering::Relaxed);
            }
            None => std::thread::yield_now(),
        }
    }
}

struct Stream<'a, 'c> {
    group: &'a mut Group<'c>,
    producers: usize,
    consumers: usize,
}

impl VisitQueue for Stream<'_, '_> {
    fn visit<Q: Queue + 'static>(&mut self) {
        let (producers, consumers) = (self.producers, self.consumers);
        let probe = Q::new(CAPACITY);
        let ends: Vec<_> = (0..consumers).filter_map(|_| probe.consumer()).collect();
        if ends.len() < consumers {
            return;
        }
        self.group.bench_function(Q::FACTS.name, |bencher| {
            bencher.iter_custom(|items| stream::<Q>(producers, consumers, items));
        });
    }
}

fn queue(criterion: &mut Criterion) {
    let mut group = lab::group(criterion, "queue/push-and-pop", 500);
    queues(&mut Pair(&mut group));
    group.finish();
    for (producers, consumers) in [(1, 1), (4, 1), (2, 2), (4, 4)] {
        let mut group = lab::group(criterion, &format!("queue/{producers}-to-{consumers}"), 800);
        queues(&mut Stream { group: &mut group, producers, consumers });
        group.finish();
    }
}

criterion_group!(benches, queue);
criterion_main!(benches);
