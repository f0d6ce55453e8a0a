//! Counting with the feature on. The counters belong to the process, so each test takes its turn
//! with the one class that no lock of the library uses.

use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::thread::scope;

use lock_api::GuardNoSend;

use crate::sync::class::{Application, Class};
use crate::sync::lock::{RawMutex, RawRwFair};
use crate::sync::stats::*;

type Exclusive<E> = lock_api::Mutex<Counted<E, Application>, u64>;
type Shared = lock_api::RwLock<Counted<RawRwFair, Application>, u64>;

/// One test at a time, from zero.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    enable(Some(Application::NAME)).unwrap();
    reset().unwrap();
    assert_eq!(totals(), Totals::default());
    turn
}

fn totals() -> Totals {
    snapshot().unwrap().swap_remove(Application::INDEX).totals
}

#[test]
fn concurrent_sums_are_exact_after_the_threads_have_ended() {
    const THREADS: u64 = 6;
    const ROUNDS: u64 = 10_000;
    let _turn = turn();
    let lock = Exclusive::<RawMutex>::new(0);
    let all_in = Barrier::new(6);
    scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                all_in.wait();
                (0..ROUNDS).for_each(|_| *lock.lock() += 1);
                // A block is taken over when its thread ends: each of these has one of its own.
                all_in.wait();
            });
        }
    });
    let totals = totals();
    assert_eq!(*lock.lock(), THREADS * ROUNDS);
    assert_eq!((totals.acquisitions, totals.threads), (THREADS * ROUNDS, THREADS));
    assert_eq!((totals.reads, totals.failed_tries, totals.is_shared), (0, 0, false));
    assert_eq!(totals.waits.iter().sum::<u64>(), totals.collisions);
    let timed = THREADS * ROUNDS / SAMPLE;
    assert!(totals.holds.abs_diff(timed) <= THREADS, "{timed} expected, {totals:?}");
    assert!(totals.outsides.abs_diff(timed) <= 2 * THREADS, "{timed} expected, {totals:?}");
}

#[test]
fn a_thread_that_comes_later_loses_nothing_of_one_that_ended() {
    let _turn = turn();
    let lock = Exclusive::<RawMutex>::new(0);
    for _ in 0..50 {
        scope(|scope| scope.spawn(|| (0..100).for_each(|_| drop(lock.lock()))).join().unwrap());
    }
    assert_eq!(totals().acquisitions, 5_000);
}

#[test]
fn nothing_is_counted_while_the_class_is_off_or_before_a_reset() {
    let _turn = turn();
    let lock = Exclusive::<RawMutex>::new(0);
    drop(lock.lock());
    disable(Some(Application::NAME)).unwrap();
    drop(lock.lock());
    assert!(lock.try_lock().is_some());
    assert_eq!(totals().acquisitions, 1);
    enable(Some(Application::NAME)).unwrap();
    reset().unwrap();
    assert_eq!(totals(), Totals::default());
    drop(lock.try_lock());
    assert_eq!(totals().acquisitions, 1);
}

#[test]
fn a_lock_that_is_taken_while_the_class_is_switched_is_released_all_the_same() {
    let _turn = turn();
    let lock = Exclusive::<RawMutex>::new(0);
    let guard = lock.lock();
    disable(Some(Application::NAME)).unwrap();
    drop(guard);
    let guard = lock.lock();
    enable(Some(Application::NAME)).unwrap();
    drop(guard);
    assert!(!lock.is_locked());
}

#[test]
fn reads_and_failed_tries_are_told_apart() {
    let _turn = turn();
    let lock = Shared::new(0);
    let reader = lock.read();
    assert!(lock.try_write().is_none());
    drop((lock.try_read(), lock.read()));
    drop(reader);
    *lock.write() += 1;
    let totals = totals();
    assert_eq!((totals.acquisitions, totals.reads, totals.failed_tries), (4, 3, 1));
    assert_eq!((totals.reads_permille(), totals.is_shared), (750, true));
}

/// Free for those who wait, and taken for those who only try.
struct Busy;

// SAFETY: the tests use it in one thread, one guard at a time.
unsafe impl lock_api::RawMutex for Busy {
    const INIT: Self = Self;

    type Guard = GuardNoSend;

    fn lock(&self) -> GuardNoSend {
        GuardNoSend::new()
    }

    fn try_lock(&self) -> Option<GuardNoSend> {
        None
    }

    unsafe fn unlock(&self, _guard: GuardNoSend) {}

    fn is_locked(&self) -> bool {
        false
    }
}

#[test]
fn an_acquisition_that_cannot_be_had_at_once_is_a_collision_with_its_waiting_time() {
    let _turn = turn();
    let lock = Exclusive::<Busy>::new(0);
    (0..10).for_each(|_| drop(lock.lock()));
    assert!(lock.try_lock().is_none());
    let totals = totals();
    assert_eq!((totals.acquisitions, totals.collisions, totals.failed_tries), (10, 10, 1));
    assert_eq!(totals.waits.iter().sum::<u64>(), 10);
    // A wait in bucket i took at least 2^i; one of 0 ns is in the first.
    let least: u64 = totals.waits.iter().enumerate().skip(1).map(|(i, n)| n << i).sum();
    assert!(totals.wait_ns >= least, "{totals:?}");
}
