//! One test suite for all locks, and one instance of it a lock.
//!
//! What the promises have in common is tested here, for the foreign locks too. A lock's own promise
//! (order, bounds, recursion) is tested beside it, where the test can read the word to know who
//! waits. The seeds of the stress tests are printed; set `IRONSKY_SEED` to repeat one.

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// A wait longer than this is a failure of the test.
const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until `condition` holds; fails after the deadline.
pub(super) fn until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "waited too long until {what}");
        thread::yield_now();
    }
}

/// A small generator for schedules; the quality does not matter, the repetition does.
struct Schedule(u64);

impl Schedule {
    /// The seed of this run, printed so that a failure can be repeated.
    fn seed() -> u64 {
        let given = std::env::var("IRONSKY_SEED").ok();
        let seed = given.map_or_else(fresh_seed, |text| text.parse().expect("a decimal seed"));
        eprintln!("IRONSKY_SEED={seed}");
        seed
    }

    fn of_thread(seed: u64, thread: u64) -> Self {
        Self(seed.wrapping_add(thread.wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Sometimes gives the core away, so that holders are interrupted at any place.
    fn disturb(&mut self) {
        if self.below(8) == 0 {
            thread::yield_now();
        }
    }
}

fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// A value that is whole only if nobody else changes it meanwhile.
#[derive(Default)]
struct Pair {
    first: UnsafeCell<u64>,
    second: UnsafeCell<u64>,
}

// SAFETY: the tests reach it only under the lock that they test.
unsafe impl Sync for Pair {}

impl Pair {
    fn change(&self, schedule: &mut Schedule) {
        // SAFETY: the caller holds the lock under test for writing.
        unsafe {
            let value = *self.first.get() + 1;
            *self.first.get() = value;
            schedule.disturb();
            assert_eq!(*self.second.get(), value - 1, "somebody else was inside");
            *self.second.get() = value;
        }
    }

    fn check(&self, schedule: &mut Schedule) {
        // SAFETY: the caller holds the lock under test at least for reading.
        unsafe {
            let value = *self.first.get();
            schedule.disturb();
            assert_eq!(*self.second.get(), value, "a writer was inside");
        }
    }
}

/// `threads` threads take the lock `rounds` times each, in a seeded order of lock and `try_lock`.
fn stress_exclusive<E: lock_api::RawMutex + Sync>(threads: u64, rounds: u64) {
    let seed = Schedule::seed();
    let lock = lock_api::Mutex::<E, ()>::new(());
    let pair = Pair::default();
    thread::scope(|scope| {
        for index in 0..threads {
            let (lock, pair) = (&lock, &pair);
            scope.spawn(move || {
                let mut schedule = Schedule::of_thread(seed, index);
                for _ in 0..rounds {
                    let tried = if schedule.below(4) == 0 { lock.try_lock() } else { None };
                    let _guard = tried.unwrap_or_else(|| lock.lock());
                    pair.change(&mut schedule);
                }
            });
        }
    });
    assert_eq!(pair.first.into_inner(), threads * rounds);
    assert!(!lock.is_locked());
}

/// As [`stress_exclusive`] with this percentage of reads.
fn stress_shared<R: lock_api::RawRwLock + Sync>(threads: u64, rounds: u64, reads: u64) {
    let seed = Schedule::seed();
    let lock = lock_api::RwLock::<R, ()>::new(());
    let pair = Pair::default();
    let writes = AtomicU64::new(0);
    thread::scope(|scope| {
        for index in 0..threads {
            let (lock, pair, writes) = (&lock, &pair, &writes);
            scope.spawn(move || {
                let mut schedule = Schedule::of_thread(seed, index);
                for _ in 0..rounds {
                    if schedule.below(100) < reads {
                        let tried = if schedule.below(4) == 0 { lock.try_read() } else { None };
                        let _guard = tried.unwrap_or_else(|| lock.read());
                        pair.check(&mut schedule);
                    } else {
                        let tried = if schedule.below(4) == 0 { lock.try_write() } else { None };
                        let _guard = tried.unwrap_or_else(|| lock.write());
                        pair.change(&mut schedule);
                        writes.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(pair.first.into_inner(), writes.into_inner());
    assert!(!lock.is_locked());
}

macro_rules! exclusive {
    ($module:ident, $raw:ty, $stress:expr) => {
        mod $module {
            use super::*;

            type Lock<T> = lock_api::Mutex<$raw, T>;

            #[test]
            fn is_small_and_made_in_a_constant() {
                static LOCK: Lock<u8> = Lock::new(7);
                assert_eq!(*LOCK.lock(), 7);
                assert!(size_of::<$raw>() <= 4);
            }

            #[test]
            fn a_guard_excludes_others_until_it_is_dropped() {
                let lock = Lock::new(1);
                let guard = lock.lock();
                assert!(lock.is_locked());
                thread::scope(|scope| {
                    assert!(scope.spawn(|| lock.try_lock().is_none()).join().unwrap());
                });
                drop(guard);
                assert!(!lock.is_locked());
                *lock.try_lock().unwrap() += 1;
                assert_eq!(lock.into_inner(), 2);
            }

            #[test]
            fn a_panic_inside_releases_the_lock() {
                let lock = Lock::new(());
                let panicked = catch_unwind(AssertUnwindSafe(|| {
                    let _guard = lock.lock();
                    panic!("inside");
                }));
                assert!(panicked.is_err());
                assert!(lock.try_lock().is_some());
            }

            #[test]
            fn a_waiter_gets_the_lock_after_the_release() {
                let lock = Lock::new(());
                let (asked, got) = (AtomicBool::new(false), AtomicBool::new(false));
                let guard = lock.lock();
                thread::scope(|scope| {
                    scope.spawn(|| {
                        asked.store(true, Ordering::Release);
                        let _guard = lock.lock();
                        got.store(true, Ordering::Release);
                    });
                    until("the waiter asks", || asked.load(Ordering::Acquire));
                    assert!(!got.load(Ordering::Acquire));
                    drop(guard);
                    until("the waiter gets the lock", || got.load(Ordering::Acquire));
                });
            }

            #[test]
            fn excludes_under_stress() {
                stress_exclusive::<$raw>($stress.few, $stress.many_rounds);
            }

            #[test]
            fn excludes_with_many_more_threads_than_cores() {
                stress_exclusive::<$raw>($stress.many, $stress.few_rounds);
            }
        }
    };
}

macro_rules! shared {
    ($module:ident, $raw:ty, $bytes_max:expr, $stress:expr) => {
        mod $module {
            use super::*;

            type Lock<T> = lock_api::RwLock<$raw, T>;

            #[test]
            fn is_small_and_made_in_a_constant() {
                static LOCK: Lock<u8> = Lock::new(7);
                assert_eq!(*LOCK.read(), 7);
                assert!(size_of::<$raw>() <= $bytes_max);
            }

            #[test]
            fn a_writer_excludes_everybody() {
                let lock = Lock::new(1);
                let guard = lock.write();
                assert!(lock.is_locked() && lock.is_locked_exclusive());
                thread::scope(|scope| {
                    let other =
                        scope.spawn(|| lock.try_read().is_none() && lock.try_write().is_none());
                    assert!(other.join().unwrap());
                });
                drop(guard);
                assert!(!lock.is_locked());
                *lock.try_write().unwrap() += 1;
                assert_eq!(lock.into_inner(), 2);
            }

            #[test]
            fn readers_share_and_exclude_writers() {
                const READERS: usize = 6;
                let lock = Lock::new(());
                let all_in = Barrier::new(READERS);
                thread::scope(|scope| {
                    for _ in 0..READERS {
                        scope.spawn(|| {
                            let guard = lock.read();
                            all_in.wait();
                            assert!(lock.try_write().is_none());
                            assert!(lock.is_locked() && !lock.is_locked_exclusive());
                            all_in.wait();
                            drop(guard);
                        });
                    }
                });
                assert!(lock.try_write().is_some());
            }

            #[test]
            fn a_panic_inside_releases_the_lock() {
                let lock = Lock::new(());
                let reader = catch_unwind(AssertUnwindSafe(|| {
                    let _guard = lock.read();
                    panic!("inside");
                }));
                let writer = catch_unwind(AssertUnwindSafe(|| {
                    let _guard = lock.write();
                    panic!("inside");
                }));
                assert!(reader.is_err() && writer.is_err());
                assert!(lock.try_write().is_some());
            }

            #[test]
            fn waiters_get_the_lock_after_the_release() {
                let lock = Lock::new(0);
                let asked = AtomicUsize::new(0);
                let got = AtomicUsize::new(0);
                let guard = lock.write();
                thread::scope(|scope| {
                    for index in 0..4 {
                        let (lock, asked, got) = (&lock, &asked, &got);
                        scope.spawn(move || {
                            asked.fetch_add(1, Ordering::Release);
                            if index % 2 == 0 {
                                drop(lock.read())
                            } else {
                                *lock.write() += 1
                            }
                            got.fetch_add(1, Ordering::Release);
                        });
                    }
                    until("the waiters ask", || asked.load(Ordering::Acquire) == 4);
                    assert_eq!(got.load(Ordering::Acquire), 0);
                    drop(guard);
                    until("all get the lock", || got.load(Ordering::Acquire) == 4);
                });
                assert_eq!(lock.into_inner(), 2);
            }

            #[test]
            fn excludes_under_stress() {
                stress_shared::<$raw>($stress.few, $stress.many_rounds, 50);
                stress_shared::<$raw>($stress.few, $stress.many_rounds, 95);
            }

            #[test]
            fn excludes_with_many_more_threads_than_cores() {
                stress_shared::<$raw>($stress.many, $stress.few_rounds, 70);
            }
        }
    };
}

/// How hard a lock is tried.
struct Stress {
    few: u64,
    many_rounds: u64,
    many: u64,
    few_rounds: u64,
}

const FULL: Stress = Stress { few: 4, many_rounds: 10_000, many: 48, few_rounds: 300 };

/// The spin crate's waiters never give the core away: with more threads than cores each hand-over
/// may cost a time slice.
const PURE_SPIN: Stress = Stress { few: 2, many_rounds: 500, many: 3, few_rounds: 20 };

exclusive!(spin, RawSpin, FULL);
exclusive!(mutex, RawMutex, FULL);
exclusive!(fair, RawFair, FULL);
exclusive!(parking_lot_mutex, RawParkingLot, FULL);
exclusive!(spin_crate, RawSpinCrate, PURE_SPIN);
shared!(rw_fair, RawRwFair, 8, FULL);
shared!(rw_read, RawRwRead, 8, FULL);
shared!(rw_slots, RawRwSlots, 16, FULL);
shared!(rw_write, RawRwWrite, 8, FULL);
shared!(parking_lot_rwlock, RawRwParkingLot, 8, FULL);
shared!(spin_crate_rwlock, RawRwSpinCrate, 8, PURE_SPIN);

/// Says at compile time that a type is not `Send`: otherwise two of the implementations fit.
macro_rules! not_send {
    ($($type:ty),+ $(,)?) => { $(
        const _: fn() = || {
            trait Ambiguous<A> {
                fn exists() {}
            }
            struct Second;
            impl<T: ?Sized> Ambiguous<()> for T {}
            impl<T: ?Sized + Send> Ambiguous<Second> for T {}
            <$type as Ambiguous<_>>::exists();
        };
    )+ };
}

macro_rules! guards_of {
    ($check:ident, $value:ty) => {
        $check!(
            lock_api::MutexGuard<'static, RawSpin, $value>,
            lock_api::MutexGuard<'static, RawMutex, $value>,
            lock_api::MutexGuard<'static, RawFair, $value>,
            lock_api::RwLockReadGuard<'static, RawRwFair, $value>,
            lock_api::RwLockReadGuard<'static, RawRwSlots, $value>,
            lock_api::RwLockReadGuard<'static, RawRwWrite, $value>,
            lock_api::RwLockReadGuard<'static, RawRwRead, $value>,
            lock_api::RwLockWriteGuard<'static, RawRwFair, $value>,
            lock_api::RwLockWriteGuard<'static, RawRwSlots, $value>,
            lock_api::RwLockWriteGuard<'static, RawRwWrite, $value>,
            lock_api::RwLockWriteGuard<'static, RawRwRead, $value>,
        )
    };
}

/// Checked when this is compiled.
#[test]
fn a_guard_stays_in_its_thread_and_is_shared_like_its_value() {
    macro_rules! sync {
        ($($type:ty),+ $(,)?) => { $( is_sync::<$type>(); )+ };
    }
    fn is_sync<T: Sync>() {}
    guards_of!(not_send, u32);
    not_send!(ReentrantGuard<'static, RawMutex, u32>);
    guards_of!(sync, u32);
}

#[test]
fn the_other_locks_are_made_in_a_constant() {
    static WORDS: Optimistic<RawMutex, 2> = Optimistic::new([1, 2]);
    static NESTED: ReentrantLock<RawFair, u32> = ReentrantLock::new(3);
    assert_eq!((WORDS.read(), *NESTED.lock()), ([1, 2], 3));
}
