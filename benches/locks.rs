//! What does an acquisition cost: alone, among threads, and with readers?
//!
//! Every lock of the house beside those of std, parking_lot and the spin crate, in one run. The
//! sections are a few instructions, so this measures the locks and not the waiting that real
//! sections cause; fairness does not show here at all. Compare within one run only.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput};
use criterion::{criterion_group, criterion_main, measurement::WallTime};
use ironsky::sync::lock::{
    RawFair, RawMutex, RawParkingLot, RawRwFair, RawRwParkingLot, RawRwRead, RawRwSpinCrate,
    RawRwWrite, RawSpin, RawSpinCrate,
};
use ironsky::sync::{Optimistic, ReentrantLock};

/// A counter under a lock that this bench can drive.
trait Lock: Sync {
    fn new() -> Self;
    fn write(&self);
    fn read(&self) -> u64;
}

impl<E: lock_api::RawMutex + Sync> Lock for lock_api::Mutex<E, u64> {
    fn new() -> Self {
        Self::new(0)
    }

    fn write(&self) {
        *self.lock() += 1;
    }

    fn read(&self) -> u64 {
        *self.lock()
    }
}

impl Lock for std::sync::Mutex<u64> {
    fn new() -> Self {
        Self::new(0)
    }

    fn write(&self) {
        *self.lock().expect("no section panics") += 1;
    }

    fn read(&self) -> u64 {
        *self.lock().expect("no section panics")
    }
}

/// Tells the shared locks from the exclusive ones of the same crate.
struct Shared<L>(L);

impl<R: lock_api::RawRwLock + Sync> Lock for Shared<lock_api::RwLock<R, u64>> {
    fn new() -> Self {
        Self(lock_api::RwLock::new(0))
    }

    fn write(&self) {
        *self.0.write() += 1;
    }

    fn read(&self) -> u64 {
        *self.0.read()
    }
}

impl Lock for Shared<std::sync::RwLock<u64>> {
    fn new() -> Self {
        Self(std::sync::RwLock::new(0))
    }

    fn write(&self) {
        *self.0.write().expect("no section panics") += 1;
    }

    fn read(&self) -> u64 {
        *self.0.read().expect("no section panics")
    }
}

macro_rules! for_each_exclusive {
    ($run:ident($($argument:expr),*)) => {
        $run::<lock_api::Mutex<RawSpin, u64>>($($argument),*, "spin");
        $run::<lock_api::Mutex<RawMutex, u64>>($($argument),*, "mutex");
        $run::<lock_api::Mutex<RawFair, u64>>($($argument),*, "fair");
        $run::<std::sync::Mutex<u64>>($($argument),*, "std");
        $run::<lock_api::Mutex<RawParkingLot, u64>>($($argument),*, "parking-lot");
        $run::<lock_api::Mutex<parking_lot::RawFairMutex, u64>>($($argument),*, "parking-lot-fair");
        $run::<lock_api::Mutex<RawSpinCrate, u64>>($($argument),*, "spin-crate");
    };
}

macro_rules! for_each_shared {
    ($run:ident($($argument:expr),*)) => {
        $run::<Shared<lock_api::RwLock<RawRwFair, u64>>>($($argument),*, "rw-fair");
        $run::<Shared<lock_api::RwLock<RawRwRead, u64>>>($($argument),*, "rw-read");
        $run::<Shared<lock_api::RwLock<RawRwWrite, u64>>>($($argument),*, "rw-write");
        $run::<Shared<std::sync::RwLock<u64>>>($($argument),*, "std");
        $run::<Shared<lock_api::RwLock<RawRwParkingLot, u64>>>($($argument),*, "parking-lot");
        $run::<Shared<lock_api::RwLock<RawRwSpinCrate, u64>>>($($argument),*, "spin-crate");
    };
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// Short runs of many rows: the whole file stays under two minutes.
fn group<'a>(criterion: &'a mut Criterion, name: &str) -> Group<'a> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10);
    group.sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(100));
    group.measurement_time(Duration::from_millis(400));
    group.throughput(Throughput::Elements(1));
    group
}

fn alone<L: Lock>(group: &mut Group<'_>, reads: bool, name: &str) {
    let lock = L::new();
    group.bench_function(name, |bencher| {
        if reads { bencher.iter(|| black_box(lock.read())) } else { bencher.iter(|| lock.write()) }
    });
}

fn among<L: Lock>(group: &mut Group<'_>, threads: u64, reads: u64, name: &str) {
    group.bench_function(BenchmarkId::new(name, threads), |bencher| {
        bencher.iter_custom(|rounds| crowd(&L::new(), threads, rounds, reads));
    });
}

/// The time in which `threads` threads do `rounds` acquisitions together, `reads` percent of them
/// for reading. Each thread takes its own times: the thread that waits for all may wake up late.
fn crowd(lock: &impl Lock, threads: u64, rounds: u64, reads: u64) -> Duration {
    let start = Barrier::new(usize::try_from(threads).expect("a few threads"));
    let run = |thread| {
        start.wait();
        let begin = Instant::now();
        acquire(lock, thread, rounds.div_ceil(threads), reads);
        (begin, Instant::now())
    };
    let run = &run;
    let spans: Vec<_> = std::thread::scope(|scope| {
        let crowd: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        crowd.into_iter().map(|thread| thread.join().expect("no section panics")).collect()
    });
    let begin = spans.iter().map(|span| span.0).min().expect("there is a thread");
    let end = spans.iter().map(|span| span.1).max().expect("there is a thread");
    end - begin
}

fn acquire(lock: &impl Lock, thread: u64, rounds: u64, reads: u64) {
    for round in 0..rounds {
        // A fixed pattern that mixes evenly: 37 has no divisor in common with 100.
        if (round * 37 + thread) % 100 < reads {
            black_box(lock.read());
        } else {
            lock.write();
        }
    }
}

fn uncontended(criterion: &mut Criterion) {
    let mut exclusive = group(criterion, "uncontended/exclusive");
    for_each_exclusive!(alone(&mut exclusive, false));
    let reentrant = ReentrantLock::<RawMutex, u64>::new(0);
    exclusive.bench_function("reentrant", |bencher| bencher.iter(|| black_box(*reentrant.lock())));
    exclusive.finish();
    let mut write = group(criterion, "uncontended/write");
    for_each_shared!(alone(&mut write, false));
    write.finish();
    let mut read = group(criterion, "uncontended/read");
    for_each_shared!(alone(&mut read, true));
    let optimistic = Optimistic::<RawMutex, 1>::new([0]);
    read.bench_function("optimistic", |bencher| bencher.iter(|| black_box(optimistic.read())));
    read.finish();
}

fn exclusive(criterion: &mut Criterion) {
    let mut group = group(criterion, "exclusive");
    for threads in [2, 4, 8] {
        for_each_exclusive!(among(&mut group, threads, 0));
    }
    group.finish();
}

fn shared(criterion: &mut Criterion) {
    for reads in [0, 90, 99] {
        let mut group = group(criterion, &format!("shared/{reads}-percent-reads"));
        for threads in [2, 4, 8] {
            for_each_shared!(among(&mut group, threads, reads));
        }
        group.finish();
    }
}

criterion_group!(benches, uncontended, exclusive, shared);
criterion_main!(benches);
