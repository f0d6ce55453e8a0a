//! What do a push and a pop cost, and how long does a sleeper take to wake?
//!
//! The run queues of the house beside std's channel, and the two parkers. The items are small and
//! nothing is done with them, so this says which queue to choose and not how fast a scheduler is.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, mpsc};
use std::time::{Duration, Instant};

use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};
use criterion::{criterion_group, criterion_main, measurement::WallTime};
use ironsky::sync::lock::{RawFair, RawMutex, RawParkingLot, RawSpin};
use ironsky::sync::{CondvarParker, FutexParker, LockFreeQueue, LockedQueue, Park, RunQueue};

macro_rules! for_each_queue {
    ($run:ident($($argument:expr),*)) => {
        $run::<LockFreeQueue<u64>>($($argument),*, "lockfree");
        $run::<LockedQueue<RawMutex, u64>>($($argument),*, "locked-mutex");
        $run::<LockedQueue<RawFair, u64>>($($argument),*, "locked-fair");
        $run::<LockedQueue<RawSpin, u64>>($($argument),*, "locked-spin");
        $run::<LockedQueue<RawParkingLot, u64>>($($argument),*, "locked-parking-lot");
    };
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> Group<'a> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10);
    group.sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_millis(800));
    group.throughput(Throughput::Elements(1));
    group
}

fn pair_of<Q: RunQueue<u64>>(group: &mut Group<'_>, name: &str) {
    let queue = Q::new();
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            queue.push(1);
            black_box(queue.pop())
        });
    });
}

/// A push and a pop by one thread.
fn pair(criterion: &mut Criterion) {
    let mut group = group(criterion, "queue/push-and-pop");
    for_each_queue!(pair_of(&mut group));
    let (send, receive) = mpsc::channel::<u64>();
    group.bench_function("std-mpsc", |bencher| {
        bencher.iter(|| {
            send.send(1).expect("the receiver lives");
            black_box(receive.try_recv().ok())
        });
    });
    group.finish();
}

/// The time in which `items` items go from the producers to the consumers. Each thread takes its
/// own times: the thread that waits for all may wake up late.
fn stream(producers: u64, consumers: u64, items: u64, side: impl Side) -> Duration {
    let each = items.div_ceil(producers);
    let start = Barrier::new(usize::try_from(producers + consumers).expect("a few threads"));
    let popped = AtomicU64::new(0);
    let spans: Vec<_> = std::thread::scope(|scope| {
        let (start, popped) = (&start, &popped);
        let mut crowd = Vec::new();
        for _ in 0..producers {
            let push = side.producer();
            crowd.push(scope.spawn(move || timed(start, || (0..each).for_each(push))));
        }
        for _ in 0..consumers {
            let pop = side.consumer();
            crowd.push(scope.spawn(move || timed(start, || drain(pop, popped, each * producers))));
        }
        crowd.into_iter().map(|thread| thread.join().expect("no end panics")).collect()
    });
    let begin = spans.iter().map(|span| span.0).min().expect("there is a thread");
    let end = spans.iter().map(|span| span.1).max().expect("there is a thread");
    end - begin
}

/// The begin and the end of `body`, which starts together with the others.
fn timed(start: &Barrier, body: impl FnOnce()) -> (Instant, Instant) {
    start.wait();
    let begin = Instant::now();
    body();
    (begin, Instant::now())
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

/// The two ends of a queue, for as many threads as want them.
trait Side {
    fn producer(&self) -> impl FnMut(u64) + Send;
    fn consumer(&self) -> impl FnMut() -> Option<u64> + Send;
}

impl<Q: RunQueue<u64>> Side for &Q {
    fn producer(&self) -> impl FnMut(u64) + Send {
        |item| self.push(item)
    }

    fn consumer(&self) -> impl FnMut() -> Option<u64> + Send {
        || self.pop()
    }
}

/// The channel has one consumer, who takes the receiving end.
struct Channel {
    send: mpsc::Sender<u64>,
    receive: std::cell::RefCell<Option<mpsc::Receiver<u64>>>,
}

impl Channel {
    fn new() -> Self {
        let (send, receive) = mpsc::channel();
        Self { send, receive: std::cell::RefCell::new(Some(receive)) }
    }
}

impl Side for Channel {
    fn producer(&self) -> impl FnMut(u64) + Send {
        let send = self.send.clone();
        move |item| send.send(item).expect("the receiver lives while items are on their way")
    }

    fn consumer(&self) -> impl FnMut() -> Option<u64> + Send {
        let receive = self.receive.take().expect("one consumer");
        move || receive.try_recv().ok()
    }
}

fn stream_of<Q: RunQueue<u64>>(group: &mut Group<'_>, producers: u64, consumers: u64, name: &str) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|items| stream(producers, consumers, items, &Q::new()));
    });
}

fn streams(criterion: &mut Criterion) {
    for (producers, consumers) in [(1, 1), (4, 1), (2, 2), (4, 4)] {
        let mut group = group(criterion, &format!("queue/{producers}-to-{consumers}"));
        for_each_queue!(stream_of(&mut group, producers, consumers));
        if consumers == 1 {
            group.bench_function("std-mpsc", |bencher| {
                bencher.iter_custom(|items| stream(producers, 1, items, Channel::new()));
            });
        }
        group.finish();
    }
}

/// The time of `rounds` hand-overs to a sleeping thread and back.
fn ping_pong<P: Park>(rounds: u64) -> Duration {
    let (there, back) = (P::new(), P::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..rounds {
                there.park();
                back.unpark();
            }
        });
        let begin = Instant::now();
        for _ in 0..rounds {
            there.unpark();
            back.park();
        }
        begin.elapsed()
    })
}

/// A round is two wake-ups, one after the other.
fn wake(criterion: &mut Criterion) {
    let mut group = group(criterion, "wake/there-and-back");
    group.bench_function("futex", |bencher| bencher.iter_custom(ping_pong::<FutexParker>));
    group.bench_function("condvar", |bencher| bencher.iter_custom(ping_pong::<CondvarParker>));
    group.finish();
}

criterion_group!(benches, pair, streams, wake);
criterion_main!(benches);
