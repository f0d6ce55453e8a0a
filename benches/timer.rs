//! Question: what does a timer cost, from setting to firing, beside a binary heap?
//!
//! 200,000 timers are set and fired, spread over one second and over one hour; a steady load sets
//! one timer for each that fires. This is *not* the cost of a timeout in a running node: no lock,
//! no thread, no message is in it.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ironsky::timer::wheel::Wheel;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

/// Address and session of the service that waits, as the timer thread keeps them.
type Item = (u32, i32);

const TIMERS: u32 = 200_000;

/// Both ways of keeping timers, behind one face.
trait Timers {
    fn make() -> Self;
    fn set(&mut self, ticks: u32, item: Item);
    fn run(&mut self, to_tick: u64, fire: &mut impl FnMut(Item));
}

impl Timers for Wheel<Item> {
    fn make() -> Self {
        Wheel::new(0)
    }
    fn set(&mut self, ticks: u32, item: Item) {
        self.insert(ticks, item);
    }
    fn run(&mut self, to_tick: u64, fire: &mut impl FnMut(Item)) {
        self.advance(to_tick, fire);
    }
}

#[derive(Default)]
struct Heap {
    now: u64,
    order: u64,
    timers: BinaryHeap<Reverse<(u64, u64, Item)>>,
}

impl Timers for Heap {
    fn make() -> Self {
        Self::default()
    }
    fn set(&mut self, ticks: u32, item: Item) {
        self.order += 1;
        self.timers.push(Reverse((self.now + u64::from(ticks), self.order, item)));
    }
    fn run(&mut self, to_tick: u64, fire: &mut impl FnMut(Item)) {
        while let Some(due) = self.timers.peek_mut().filter(|due| due.0.0 <= to_tick) {
            let Reverse((_, _, item)) = std::collections::binary_heap::PeekMut::pop(due);
            fire(item);
        }
        self.now = to_tick;
    }
}

/// A fixed scatter, the same in every run.
fn scatter(index: u32, range: u32) -> u32 {
    1 + index.wrapping_mul(2_654_435_761) % range
}

fn burst<W: Timers>(timers: &mut W, range: u32) -> u64 {
    for index in 0..TIMERS {
        timers.set(scatter(index, range), (index, 1));
    }
    let mut sum = 0;
    timers.run(u64::from(range), &mut |item| sum += u64::from(item.0));
    sum
}

fn steady<W: Timers>(timers: &mut W) -> u64 {
    let mut sum = 0;
    for tick in 1..=1000u32 {
        (0..200).for_each(|index| timers.set(scatter(tick ^ index, 100), (index, 1)));
        timers.run(u64::from(tick), &mut |item| sum += u64::from(item.0));
    }
    sum
}

fn compare<W: Timers>(criterion: &mut Criterion, name: &str) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(u64::from(TIMERS))).sample_size(20);
    for (what, range) in [("burst over 1 s", 100), ("burst over 1 h", 360_000)] {
        group.bench_function(what, |bencher| {
            let run = |mut timers| black_box(burst::<W>(&mut timers, range));
            bencher.iter_batched(W::make, run, BatchSize::LargeInput);
        });
    }
    group.bench_function("steady", |bencher| {
        let run = |mut timers| black_box(steady::<W>(&mut timers));
        bencher.iter_batched(W::make, run, BatchSize::LargeInput);
    });
    group.finish();
}

fn timers(criterion: &mut Criterion) {
    compare::<Wheel<Item>>(criterion, "wheel");
    compare::<Heap>(criterion, "heap");
}

criterion_group!(benches, timers);
criterion_main!(benches);
