//! Queues, parkers and sleepers, with values that are no atomics behind them.

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::together;
use crate::sync::lock::{RawFair, RawMutex};
use crate::sync::{FutexParker, LockFreeQueue, LockedQueue, NextSlot, Park, RunQueue, Sleepers};

const THREADS: usize = 2;

fn pass_on<Q: RunQueue<Box<usize>>>(rounds: usize) {
    let queue = Q::new();
    let (popped, sum) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let push = || (0..rounds).for_each(|value| queue.push(Box::new(value)));
    let pop = || {
        while popped.load(Ordering::Relaxed) < THREADS * rounds {
            match queue.pop() {
                Some(value) => {
                    popped.fetch_add(1, Ordering::Relaxed);
                    sum.fetch_add(*value, Ordering::Relaxed);
                }
                None => std::thread::yield_now(),
            }
        }
    };
    let mut bodies: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
    for _ in 0..THREADS {
        bodies.push(Box::new(push));
        bodies.push(Box::new(pop));
    }
    together(bodies);
    assert_eq!(sum.into_inner(), THREADS * (0..rounds).sum::<usize>());
}

pub(super) fn queues(rounds: usize) {
    pass_on::<LockFreeQueue<_>>(rounds);
    pass_on::<LockedQueue<RawMutex, _>>(rounds);
    pass_on::<LockedQueue<RawFair, _>>(rounds);
}

/// A plain value that its users hand to each other.
#[derive(Default)]
struct Plain(UnsafeCell<usize>);

// SAFETY: the stress reaches it only under the protocol that it tests, which is what it tests.
unsafe impl Sync for Plain {}

impl Plain {
    fn add_one(&self) -> usize {
        // SAFETY: it is the caller's turn.
        unsafe {
            *self.0.get() += 1;
            *self.0.get()
        }
    }
}

fn ping_pong<P: Park>(rounds: usize) {
    let (ping, pong, value) = (P::new(), P::new(), Plain::default());
    let first = || {
        for round in 0..rounds {
            assert_eq!(value.add_one(), 2 * round + 1);
            pong.unpark();
            ping.park();
        }
    };
    let second = || {
        for round in 0..rounds {
            while !pong.park_timeout(Duration::from_secs(1)) {}
            assert_eq!(value.add_one(), 2 * round + 2);
            ping.unpark();
        }
    };
    together(vec![Box::new(first), Box::new(second)]);
}

/// Not the parker of the standard library's parts: they are not instrumented (rule 2).
pub(super) fn parkers(rounds: usize) {
    ping_pong::<FutexParker>(rounds);
}

pub(super) fn sleepers(rounds: usize) {
    let sleepers = Sleepers::<FutexParker>::new(THREADS);
    let queue = LockFreeQueue::<Box<usize>>::new();
    let (stopping, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let work = |index: usize| {
        let mut searching = false;
        loop {
            if let Some(value) = queue.pop() {
                done.fetch_add(*value, Ordering::Relaxed);
                if std::mem::take(&mut searching) && sleepers.stop_search() && !queue.is_empty() {
                    sleepers.notify_one();
                }
            } else if stopping.load(Ordering::SeqCst) {
                return;
            } else {
                sleepers.sleep(index, searching, None, || {
                    !queue.is_empty() || stopping.load(Ordering::SeqCst)
                });
                searching = true;
            }
        }
    };
    let produce = || {
        for round in 0..rounds {
            queue.push(Box::new(1));
            sleepers.notify_one();
            if round % 64 == 0 {
                std::thread::yield_now();
            }
        }
        while done.load(Ordering::Relaxed) < rounds {
            std::thread::yield_now();
        }
        stopping.store(true, Ordering::SeqCst);
        sleepers.notify_all();
    };
    let mut bodies: Vec<Box<dyn FnOnce() + Send>> = vec![Box::new(produce)];
    for index in 0..THREADS {
        bodies.push(Box::new(move || work(index)));
    }
    together(bodies);
}

pub(super) fn next_slot(rounds: usize) {
    let slot = NextSlot::<Plain>::new();
    let values: Vec<Arc<Plain>> = (0..rounds).map(|_| Arc::default()).collect();
    let finished = AtomicBool::new(false);
    let take = || {
        if let Some(value) = slot.take() {
            value.add_one();
        }
    };
    let worker = || {
        for value in &values {
            value.add_one();
            if let Some(earlier) = slot.put(Arc::clone(value)) {
                earlier.add_one();
            }
            take();
        }
        finished.store(true, Ordering::SeqCst);
    };
    let watcher = || {
        while !finished.load(Ordering::SeqCst) {
            take();
        }
    };
    together(vec![Box::new(worker), Box::new(watcher)]);
    take();
    assert!(values.iter().all(|value| value.add_one() == 3));
}
