//! Parkers and sleepers: no token and no wake-up is lost.

use std::sync::Arc;

use super::{Guarded, explore, together};
use crate::sync::facade::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::lookout::Lookout;
use crate::sync::parker::{CondvarParker, FutexParker, Park};
use crate::sync::sleepers::{Sleepers, Woken};

struct Parked<P> {
    parker: P,
    news: Guarded,
}

fn parked<P: Park>() -> Arc<Parked<P>> {
    let parker = P::new();
    parker.unpark();
    parker.park();
    Arc::new(Parked { parker, news: Guarded::new() })
}

macro_rules! parker_models {
    ($module:ident, $parker:ty) => {
        mod $module {
            use super::*;

            #[test]
            fn what_came_before_the_token_is_seen_after_it() {
                explore(|| {
                    together(
                        &parked::<$parker>(),
                        &[
                            |shared| {
                                shared.parker.park();
                                assert_eq!(shared.news.get(), 1);
                            },
                            |shared| {
                                shared.news.add_one();
                                shared.parker.unpark();
                            },
                        ],
                    );
                });
            }

            #[test]
            fn a_token_that_joins_another_brings_its_news_along() {
                explore(|| {
                    let shared = Arc::new((parked::<$parker>(), [false; 2].map(AtomicBool::new)));
                    assert!(shared.1.iter().all(|news| !news.load(Ordering::Relaxed)));
                    together(
                        &shared,
                        &[
                            |(parked, news)| {
                                while !news.iter().all(|news| news.load(Ordering::Relaxed)) {
                                    parked.parker.park();
                                }
                            },
                            |(parked, news)| {
                                news[0].store(true, Ordering::Relaxed);
                                parked.parker.unpark();
                            },
                            |(parked, news)| {
                                news[1].store(true, Ordering::Relaxed);
                                parked.parker.unpark();
                            },
                        ],
                    );
                });
            }

            #[test]
            fn two_tokens_at_once_wake_at_least_once() {
                explore(|| {
                    let shared = parked::<$parker>();
                    together(
                        &shared,
                        &[
                            |shared| shared.parker.park(),
                            |shared| shared.parker.unpark(),
                            |shared| shared.parker.unpark(),
                        ],
                    );
                });
            }
        }
    };
}

parker_models!(futex, FutexParker);
parker_models!(condvar, CondvarParker);

/// The weakest run queue: it counts items and orders no more than a run queue promises. A look at
/// it may be stale, as at a lock-free queue; a lock inside would hide a missing fence.
struct Count(AtomicUsize);

impl Count {
    fn push(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    fn pop(&self) -> bool {
        let mut items = self.len();
        while items > 0 {
            let popped =
                self.0.compare_exchange(items, items - 1, Ordering::Acquire, Ordering::Relaxed);
            match popped {
                Ok(_) => return true,
                Err(now) => items = now,
            }
        }
        false
    }

    fn len(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Workers and their queue.
struct Workplace {
    sleepers: Sleepers<FutexParker>,
    queue: Count,
}

impl Workplace {
    fn new(workers: usize) -> Arc<Self> {
        let place = Self { sleepers: Sleepers::new(workers), queue: Count(AtomicUsize::new(0)) };
        for index in 0..workers {
            let woken = place.sleepers.sleep(index, false, None, || place.sleepers.notify_one());
            assert_eq!(woken, Woken::Notified);
            assert!(place.sleepers.stop_search());
        }
        assert!(place.queue.is_empty());
        Arc::new(place)
    }

    fn post(&self) {
        self.queue.push();
        self.sleepers.notify_one();
    }

    /// One worker until it has done `share` items: search, sleep, be woken, chain the wake.
    fn work(&self, index: usize, share: usize) {
        let mut searching = false;
        for _ in 0..share {
            while !self.queue.pop() {
                searching = searching || self.sleepers.start_search();
                if self.queue.pop() {
                    break;
                }
                let woken = self.sleepers.sleep(index, searching, None, || !self.queue.is_empty());
                assert_ne!(woken, Woken::TimedOut);
                searching = true;
            }
            if std::mem::take(&mut searching)
                && self.sleepers.stop_search()
                && !self.queue.is_empty()
            {
                self.sleepers.notify_one();
            }
        }
    }
}

#[test]
fn a_push_between_the_look_and_the_sleep_is_not_lost() {
    explore(|| {
        let place = Workplace::new(1);
        together(&place, &[|place| place.work(0, 1), Workplace::post]);
        assert_eq!((place.queue.len(), place.sleepers.sleeping()), (0, 0));
    });
}

#[test]
fn each_of_two_pushes_reaches_the_worker() {
    explore(|| {
        let place = Workplace::new(1);
        together(
            &place,
            &[
                |place| place.work(0, 2),
                |place| {
                    place.post();
                    place.post();
                },
            ],
        );
        assert_eq!((place.queue.len(), place.sleepers.sleeping()), (0, 0));
    });
}

#[test]
fn each_of_two_workers_gets_one_of_two_items() {
    explore(|| {
        let place = Workplace::new(2);
        together(
            &place,
            &[
                |place| {
                    place.post();
                    place.post();
                },
                |place| place.work(0, 1),
                |place| place.work(1, 1),
            ],
        );
        assert_eq!((place.queue.len(), place.sleepers.sleeping()), (0, 0));
    });
}

#[test]
fn shutdown_wakes_whoever_sleeps() {
    struct Stopping(Sleepers<FutexParker>, AtomicBool);
    explore(|| {
        let shared = Stopping(Sleepers::new(1), AtomicBool::new(false));
        assert_eq!(shared.0.sleep(0, false, None, || shared.0.notify_one()), Woken::Notified);
        let _last = shared.0.stop_search();
        assert!(!shared.1.load(Ordering::Relaxed));
        together(
            &Arc::new(shared),
            &[
                |Stopping(sleepers, stopped)| {
                    sleepers.sleep(0, false, None, || stopped.load(Ordering::Relaxed));
                },
                |Stopping(sleepers, stopped)| {
                    stopped.store(true, Ordering::Relaxed);
                    sleepers.notify_all();
                },
            ],
        );
    });
}

/// A worker that sleeps at the place where it is woken by an alarm, or by what comes there.
struct Shore {
    sleepers: Sleepers<FutexParker>,
    queue: Count,
    /// Its token is the alarm, or that something has come.
    place: Arc<FutexParker>,
    came: Count,
}

impl Shore {
    fn new() -> Arc<Self> {
        let place = Arc::new(FutexParker::new());
        let alarm = Arc::clone(&place);
        let shore = Self {
            sleepers: Sleepers::new(1),
            queue: Count(AtomicUsize::new(0)),
            place,
            came: Count(AtomicUsize::new(0)),
        };
        shore.sleepers.set_alarm(Box::new(move || alarm.unpark()));
        let has_work = || shore.sleepers.notify_one();
        let woken = shore.sleepers.sleep_elsewhere(0, false, has_work, || {});
        assert_eq!(woken, Woken::Notified);
        assert!(shore.sleepers.stop_search());
        shore.place.park();
        assert!(shore.queue.is_empty() && shore.came.is_empty());
        Arc::new(shore)
    }

    fn post(&self) {
        self.queue.push();
        self.sleepers.notify_one();
    }

    fn come_in(&self) {
        self.came.push();
        self.place.unpark();
    }

    /// The worker until it has done so much of both.
    fn work(&self, share: usize) {
        let mut searching = false;
        for _ in 0..share {
            while !self.queue.pop() && !self.came.pop() {
                let has_work = || !self.queue.is_empty();
                let wait = || self.place.park();
                let woken = self.sleepers.sleep_elsewhere(0, searching, has_work, wait);
                searching = woken != Woken::Elsewhere;
            }
            if std::mem::take(&mut searching) {
                let _last = self.sleepers.stop_search();
            }
        }
    }
}

#[test]
fn who_waits_elsewhere_hears_of_a_push() {
    explore(|| {
        let shore = Shore::new();
        together(&shore, &[|shore| shore.work(1), Shore::post]);
        assert_eq!((shore.queue.len(), shore.sleepers.sleeping()), (0, 0));
    });
}

#[test]
fn who_waits_elsewhere_hears_of_a_push_and_of_what_comes_there() {
    explore(|| {
        let shore = Shore::new();
        together(&shore, &[|shore| shore.work(2), Shore::post, Shore::come_in]);
        assert_eq!((shore.queue.len(), shore.came.len(), shore.sleepers.sleeping()), (0, 0, 0));
    });
}

/// A post, and something that only who has it may touch.
struct Watch {
    lookout: Lookout<FutexParker>,
    duty: Guarded,
}

impl Watch {
    /// A worker has the post.
    fn kept() -> Arc<Self> {
        let watch = Self { lookout: Lookout::new(), duty: Guarded::new() };
        watch.lookout.wake();
        watch.lookout.parker.park();
        watch.lookout.release();
        assert!(watch.lookout.claim());
        assert!(!watch.lookout.claim());
        Arc::new(watch)
    }

    fn leave(&self) {
        self.duty.add_one();
        self.lookout.release();
    }

    /// Takes the post for a moment if it is vacant.
    fn pass_by(&self) {
        if self.lookout.claim() {
            self.leave();
        }
    }
}

#[test]
fn the_stand_in_hears_that_the_post_is_left() {
    explore(|| together(&Watch::kept(), &[|watch| watch.lookout.rest(), Watch::leave]));
}

#[test]
fn one_thread_has_the_post() {
    explore(|| {
        let watch = Watch::kept();
        watch.leave();
        together(&watch, &[Watch::pass_by, Watch::pass_by]);
        assert!(watch.lookout.claim());
    });
}
