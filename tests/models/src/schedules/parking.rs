//! Threads that sleep and wake each other: no token and no wake-up is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use shuttle::sync::atomic::AtomicBool;
use shuttle::sync::{Condvar, Mutex};

use super::{Script, play, together};
use crate::sync::lock::RawMutex;
use crate::sync::{CondvarParker, FutexParker, LockedQueue, Park, RunQueue, Sleepers, Woken};

/// Plays an input on a parker.
pub fn parker(bytes: &[u8]) {
    play(bytes, |script| {
        if script[0] % 2 == 0 {
            parker_of_kind::<FutexParker>(script);
        } else {
            parker_of_kind::<CondvarParker>(script);
        }
    });
}

/// Two threads leave tokens, the owner waits for what came before each of them.
fn parker_of_kind<P: Park>(script: Script) {
    let shared = Arc::new((P::new(), [(); 2].map(|()| AtomicUsize::new(0))));
    let wanted = [script[1], script[2]].map(|tokens| usize::from(tokens % 4));
    let mut bodies: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
    for (waker, tokens) in wanted.into_iter().enumerate() {
        let shared = Arc::clone(&shared);
        bodies.push(Box::new(move || {
            for _ in 0..tokens {
                shared.1[waker].fetch_add(1, Ordering::Relaxed);
                shared.0.unpark();
            }
        }));
    }
    bodies.push(Box::new(move || {
        let (parker, news) = &*shared;
        let mut waits = script[3];
        // Each wait ends because of a token, and none of the news is behind the last token.
        while news.iter().zip(wanted).any(|(news, wanted)| news.load(Ordering::Relaxed) < wanted) {
            if waits & 1 == 1 {
                parker.park_timeout(Duration::from_millis(1));
            } else {
                parker.park();
            }
            waits >>= 1;
        }
    }));
    together(bodies);
}

struct Workplace {
    sleepers: Sleepers<FutexParker>,
    queue: LockedQueue<RawMutex, usize>,
    stopping: AtomicBool,
    left: Mutex<usize>,
    all_done: Condvar,
    /// Of the system: they order nothing in the model.
    done: [AtomicUsize; ITEMS_MAX],
}

const ITEMS_MAX: usize = 8;
const WORKERS: usize = 2;

/// Plays an input on a run queue with workers that sleep while it is empty.
pub fn run_queue(bytes: &[u8]) {
    play(bytes, |script| {
        let shares = [script[0], script[1]].map(|items| usize::from(items) % (ITEMS_MAX / 2 + 1));
        let place = Arc::new(Workplace {
            sleepers: Sleepers::new(WORKERS),
            queue: LockedQueue::new(),
            stopping: AtomicBool::new(false),
            left: Mutex::new(shares.iter().sum()),
            all_done: Condvar::new(),
            done: Default::default(),
        });
        let mut bodies: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
        for index in 0..WORKERS {
            let place = Arc::clone(&place);
            bodies.push(Box::new(move || place.work(index)));
        }
        let all = Arc::clone(&place);
        bodies.push(Box::new(move || all.produce(shares)));
        together(bodies);
        for (item, done) in place.done.iter().enumerate() {
            let is_wanted = item / 2 < shares[item % 2];
            assert_eq!(done.load(Ordering::Relaxed), usize::from(is_wanted), "item {item}");
        }
        assert_eq!(place.sleepers.sleeping(), 0);
    });
}

impl Workplace {
    /// Pushes from two threads, waits until the workers have done everything, and stops them.
    fn produce(self: Arc<Self>, shares: [usize; 2]) {
        let bodies = shares.into_iter().enumerate().map(|(producer, items)| {
            let place = Arc::clone(&self);
            let push = move || {
                for item in 0..items {
                    place.queue.push(2 * item + producer);
                    place.sleepers.notify_one();
                }
            };
            Box::new(push) as _
        });
        together(bodies.collect());
        // When an item waits while all workers sleep, this waits for ever too.
        let mut left = self.left.lock().expect("no thread panics with it");
        while *left > 0 {
            left = self.all_done.wait(left).expect("no thread panics with it");
        }
        drop(left);
        self.stopping.store(true, Ordering::SeqCst);
        self.sleepers.notify_all();
    }

    fn work(&self, index: usize) {
        let mut searching = false;
        loop {
            let Some(item) = self.queue.pop() else {
                if self.stopping.load(Ordering::SeqCst) {
                    return;
                }
                let has_work = || !self.queue.is_empty() || self.stopping.load(Ordering::SeqCst);
                let woken = self.sleepers.sleep(index, searching, None, has_work);
                assert_ne!(woken, Woken::TimedOut, "no timeout was asked for");
                searching = true;
                continue;
            };
            self.done[item].fetch_add(1, Ordering::Relaxed);
            *self.left.lock().expect("no thread panics with it") -= 1;
            self.all_done.notify_one();
            let was_searching = std::mem::take(&mut searching);
            if was_searching && self.sleepers.stop_search() && !self.queue.is_empty() {
                self.sleepers.notify_one();
            }
        }
    }
}
