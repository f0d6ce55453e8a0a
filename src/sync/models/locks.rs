//! The locks: exclusion, visibility, no lost wake-up, no torn optimistic read.

use std::sync::Arc;

use super::{Guarded, explore, explore_shallow, together};
use crate::sync::lock::{
    Optimistic, RawFair, RawMutex, RawRwFair, RawRwRead, RawRwSlots, RawRwWrite, RawSpin,
    ReentrantLock,
};

type Exclusive<E> = lock_api::Mutex<E, Guarded>;
type Shared<R> = lock_api::RwLock<R, Guarded>;

fn exclusive<E: lock_api::RawMutex>() -> Arc<Exclusive<E>> {
    let lock = Arc::new(Exclusive::new(Guarded::new()));
    assert!(!lock.is_locked());
    lock
}

fn shared<R: lock_api::RawRwLock>() -> Arc<Shared<R>> {
    let lock = Arc::new(Shared::new(Guarded::new()));
    // A read opens the door of a lock that has one.
    drop(lock.read());
    assert!(!lock.is_locked());
    lock
}

fn take<E: lock_api::RawMutex>(lock: &Exclusive<E>) {
    lock.lock().add_one();
}

fn take_twice<E: lock_api::RawMutex>(lock: &Exclusive<E>) {
    take(lock);
    take(lock);
}

fn try_take<E: lock_api::RawMutex>(lock: &Exclusive<E>) {
    if let Some(guarded) = lock.try_lock() {
        guarded.add_one();
    }
}

fn read<R: lock_api::RawRwLock>(lock: &Shared<R>) {
    assert!(lock.read().get() < 4);
}

fn write<R: lock_api::RawRwLock>(lock: &Shared<R>) {
    lock.write().add_one();
}

fn write_then_read<R: lock_api::RawRwLock>(lock: &Shared<R>) {
    write(lock);
    read(lock);
}

fn try_both<R: lock_api::RawRwLock>(lock: &Shared<R>) {
    if let Some(guarded) = lock.try_read() {
        assert!(guarded.get() < 4);
    }
    if let Some(guarded) = lock.try_write() {
        guarded.add_one();
    }
}

macro_rules! exclusive_models {
    ($module:ident, $raw:ty) => {
        mod $module {
            use super::*;

            #[test]
            fn two_threads_exclude_each_other_again_and_again() {
                explore(|| {
                    let lock = exclusive::<$raw>();
                    together(&lock, &[take_twice, take_twice]);
                    assert_eq!(lock.lock().get(), 4);
                });
            }

            #[test]
            fn a_try_excludes_too() {
                explore(|| {
                    let lock = exclusive::<$raw>();
                    together(&lock, &[take, try_take]);
                    assert!(matches!(lock.lock().get(), 1 | 2));
                });
            }
        }
    };
}

macro_rules! three_takers {
    ($name:ident, $raw:ty) => {
        #[test]
        fn $name() {
            explore(|| {
                let lock = exclusive::<$raw>();
                together(&lock, &[take, take, take]);
                assert_eq!(lock.lock().get(), 3);
            });
        }
    };
}

macro_rules! three_threads_with_a_try {
    ($name:ident, $raw:ty) => {
        #[test]
        fn $name() {
            explore(|| {
                let lock = exclusive::<$raw>();
                together(&lock, &[take, try_take, try_take]);
                assert!(matches!(lock.lock().get(), 1..=3));
            });
        }
    };
}

macro_rules! reentrant_models {
    ($module:ident, $raw:ty) => {
        mod $module {
            use super::*;

            type Lock = ReentrantLock<$raw, Guarded>;

            fn fresh() -> Arc<Lock> {
                let lock = Arc::new(Lock::new(Guarded::new()));
                lock.lock().add_one();
                lock
            }

            #[test]
            fn a_reentrant_lock_excludes_at_every_depth() {
                explore(|| {
                    let lock = fresh();
                    let deep = |lock: &Lock| {
                        let outer = lock.lock();
                        lock.lock().add_one();
                        outer.add_one();
                    };
                    together(&lock, &[deep, deep]);
                    assert_eq!(lock.lock().get(), 5);
                });
            }

            #[test]
            fn three_threads_pass_it_on() {
                explore(|| {
                    let lock = fresh();
                    let again = |lock: &Lock| {
                        lock.lock().add_one();
                        if let Some(guard) = lock.try_lock() {
                            guard.add_one();
                        }
                    };
                    together(
                        &lock,
                        &[
                            |lock| lock.lock().add_one(),
                            again,
                            |lock| {
                                if let Some(guard) = lock.try_lock() {
                                    guard.add_one();
                                }
                            },
                        ],
                    );
                    assert!(matches!(lock.lock().get(), 3..=5));
                });
            }
        }
    };
}

macro_rules! shared_models {
    ($module:ident, $raw:ty) => {
        mod $module {
            use super::*;

            #[test]
            fn a_reader_and_a_writer_exclude_each_other() {
                explore(|| {
                    let lock = shared::<$raw>();
                    together(&lock, &[write_then_read, write_then_read]);
                    assert_eq!(lock.read().get(), 2);
                });
            }

            #[test]
            fn two_writers_and_a_reader_all_get_in() {
                explore(|| {
                    let lock = shared::<$raw>();
                    together(&lock, &[write, write, read]);
                    assert_eq!(lock.read().get(), 2);
                });
            }

            #[test]
            fn two_readers_and_a_writer_all_get_in() {
                explore(|| {
                    let lock = shared::<$raw>();
                    together(&lock, &[read, read, write]);
                    assert_eq!(lock.read().get(), 1);
                });
            }

            #[test]
            fn two_readers_and_two_writers_all_get_in() {
                explore_shallow(|| {
                    let lock = shared::<$raw>();
                    together(&lock, &[write, read, write, read]);
                    assert_eq!(lock.read().get(), 2);
                });
            }

            #[test]
            fn a_try_excludes_too() {
                explore(|| {
                    let lock = shared::<$raw>();
                    together(&lock, &[write, try_both]);
                    assert!(matches!(lock.read().get(), 1 | 2));
                });
            }
        }
    };
}

exclusive_models!(spin, RawSpin);
exclusive_models!(mutex, RawMutex);
exclusive_models!(fair, RawFair);
three_takers!(three_threads_pass_the_mutex_on, RawMutex);
three_takers!(three_threads_pass_the_fair_lock_on, RawFair);
three_threads_with_a_try!(two_tries_beside_a_holder_of_the_spin_lock, RawSpin);
three_threads_with_a_try!(two_tries_beside_a_holder_of_the_mutex, RawMutex);
three_threads_with_a_try!(two_tries_beside_a_holder_of_the_fair_lock, RawFair);
reentrant_models!(reentrant, RawMutex);
reentrant_models!(reentrant_fair, RawFair);
shared_models!(rw_fair, RawRwFair);
shared_models!(rw_read, RawRwRead);
shared_models!(rw_slots, RawRwSlots);
shared_models!(rw_write, RawRwWrite);

/// Readers and writers of two locks over one slot: the model has no other.
#[test]
fn a_slot_of_another_lock_is_no_reader_of_this_one() {
    explore(|| {
        let locks = Arc::new([shared::<RawRwSlots>(), shared::<RawRwSlots>()]);
        together(
            &locks,
            &[
                |locks| {
                    read(&locks[0]);
                    write(&locks[1]);
                },
                |locks| {
                    read(&locks[1]);
                    write(&locks[0]);
                },
            ],
        );
        assert_eq!((locks[0].read().get(), locks[1].read().get()), (1, 1));
    });
}

#[test]
fn a_door_that_a_writer_s_try_left_open_excludes() {
    explore(|| {
        let lock = shared::<RawRwSlots>();
        together(&lock, &[read, try_both, read]);
        assert!(lock.read().get() < 2);
    });
}

#[test]
fn a_second_read_share_passes_a_waiting_writer() {
    explore(|| {
        let lock = shared::<RawRwRead>();
        together(
            &lock,
            &[write, |lock| {
                let first = lock.read();
                assert_eq!(first.get(), lock.read().get());
            }],
        );
    });
}

#[test]
fn an_optimistic_read_is_never_torn() {
    explore(|| {
        let words = Arc::new(Optimistic::<RawMutex, 2>::new([0, 0]));
        words.write([0, 0]);
        together(
            &words,
            &[
                |words| {
                    let [first, second] = words.read();
                    assert_eq!(first, second);
                },
                |words| words.write([1, 1]),
            ],
        );
        assert_eq!(words.read(), [1, 1]);
    });
}

#[test]
fn an_optimistic_try_is_never_torn_between_two_writers() {
    explore(|| {
        let words = Arc::new(Optimistic::<RawMutex, 2>::new([0, 0]));
        words.write([0, 0]);
        let raise = |words: &Optimistic<RawMutex, 2>| {
            words.update(|values| *values = values.map(|value| value + 1));
        };
        together(
            &words,
            &[
                |words| {
                    if let Some([first, second]) = words.try_read() {
                        assert_eq!(first, second);
                    }
                },
                raise,
                raise,
            ],
        );
        assert_eq!(words.read(), [2, 2]);
    });
}
