//! Counters that are no atomics under every lock.

use std::cell::Cell;

use super::together;
use crate::sync::lock::{RawFair, RawMutex, RawRwFair, RawRwRead, RawRwWrite, RawSpin};
use crate::sync::{Optimistic, ReentrantLock};

const THREADS: usize = 4;

fn count_under<E: lock_api::RawMutex + Sync>(rounds: usize) {
    let lock = lock_api::Mutex::<E, usize>::new(0);
    let body = || {
        for round in 0..rounds {
            let tried = if round % 3 == 0 { lock.try_lock() } else { None };
            *tried.unwrap_or_else(|| lock.lock()) += 1;
        }
    };
    together((0..THREADS).map(|_| Box::new(body) as _).collect());
    assert_eq!(lock.into_inner(), THREADS * rounds);
}

pub(super) fn exclusive(rounds: usize) {
    count_under::<RawSpin>(rounds);
    count_under::<RawMutex>(rounds);
    count_under::<RawFair>(rounds);
}

fn share<R: lock_api::RawRwLock + Sync>(rounds: usize) {
    let lock = lock_api::RwLock::<R, [usize; 2]>::new([0; 2]);
    let body = |thread: usize| {
        for round in 0..rounds {
            if (round + thread) % 3 == 0 {
                lock.write().iter_mut().for_each(|count| *count += 1);
            } else {
                let [first, second] = *lock.read();
                assert_eq!(first, second);
            }
        }
    };
    together((0..THREADS).map(|thread| Box::new(move || body(thread)) as _).collect());
    let written = (0..THREADS).map(|t| (0..rounds).filter(|r| (r + t) % 3 == 0).count()).sum();
    assert_eq!(lock.into_inner(), [written; 2]);
}

pub(super) fn shared(rounds: usize) {
    share::<RawRwFair>(rounds);
    share::<RawRwRead>(rounds);
    share::<RawRwWrite>(rounds);
}

fn nest<E: lock_api::RawMutex + Send + Sync>(rounds: usize) {
    let lock = ReentrantLock::<E, _>::new(Cell::new(0));
    let body = || {
        for _ in 0..rounds {
            let outer = lock.lock();
            let inner = lock.lock();
            inner.set(outer.get() + 1);
        }
    };
    together((0..THREADS).map(|_| Box::new(body) as _).collect());
    assert_eq!(lock.into_inner().get(), THREADS * rounds);
}

pub(super) fn reentrant(rounds: usize) {
    nest::<RawMutex>(rounds);
    nest::<RawFair>(rounds);
    nest::<RawSpin>(rounds);
}

pub(super) fn optimistic(rounds: usize) {
    let words = Optimistic::<RawMutex, 3>::new([0; 3]);
    let body = |thread: usize| {
        for round in 0..rounds {
            if round % THREADS == thread {
                words.update(|values| *values = values.map(|value| value + 1));
            } else {
                let [first, rest @ ..] = words.read();
                assert_eq!(rest, [first; 2]);
            }
        }
    };
    together((0..THREADS).map(|thread| Box::new(move || body(thread)) as _).collect());
}
