//! Which workers sleep, who searches, and whom new work wakes.
//!
//! Called by the workers of the scheduler and by everybody who makes a mailbox ready.
//!
//! *State*: one packed word, read without a lock, and a stack of the sleepers' indices under one.
//!
//! | part of the word | meaning | raised by | lowered by |
//! |---|---|---|---|
//! | sleeping (high half) | sleepers on the stack | `sleep` | who takes the index off |
//! | searching (low half) | awake and looking | `start_search`, a wake | `stop_search`, `sleep` |
//!
//! `sleeping` changes only in the lock, together with the stack.
//!
//! *The stack* is last in, first out: the thread that slept least has the warmest cache, and the
//! others may sleep for long. Below it is the *lookout*: at most one worker that does not sleep in
//! its parker but waits for something else, the sockets of the node. It is chosen when nobody else
//! sleeps, and woken by the alarm.
//!
//! *Invariants*
//! 1. An index is on the stack, or the lookout, exactly while its worker is in `sleep` or
//!    `sleep_elsewhere` and nobody chose it.
//! 2. Who takes a foreign index off leaves exactly one token in its parker, and the worker takes
//!    exactly that token before it returns. No token outlives a call of `sleep`. The alarm may
//!    outlive one: then the next lookout returns early.
//! 3. The chosen worker counts as searching from the moment it is chosen, so one burst of pushes
//!    wakes one worker and not all.
//!
//! *No wake-up is lost* (Dekker's argument). A producer does P1: push, P2: SeqCst fence, P3: read
//! the word. A worker going to sleep does W1: change the word, W2: SeqCst fence, W3: `has_work`.
//! The fences have one order. If P2 is first, W3 sees the push and the worker does not sleep. If W2
//! is first, P3 sees W1: the worker counts as sleeping and not as searching. Then the producer
//! either wakes a sleeper, or sees another searcher; that one later does `stop_search` or `sleep`,
//! each of which is again W1 to W3 (in `stop_search` the caller looks, when told that it was the
//! last).
//!
//! *The lookout is not lost either*: the alarm is rung after the token is left, and it holds until
//! somebody waits for it. Whoever takes it instead has returned from the wait, and looks.
//!
//! *Shutdown*: `notify_all` empties the stack; a worker that is not asleep at that moment has to
//! look at the node's stop flag in `has_work`.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use crossbeam_utils::CachePadded;

use super::class::{self, Class};
use super::facade::atomic::{AtomicUsize, Ordering, fence};
use super::lock::RawMutex;
use super::parker::Park;

const SEARCHING_ONE: usize = 1;
const SEARCHING: usize = SLEEPING_ONE - 1;
const SLEEPING_ONE: usize = 1 << (usize::BITS / 2);

const fn searching(state: usize) -> usize {
    state & SEARCHING
}

const fn sleeping(state: usize) -> usize {
    state / SLEEPING_ONE
}

/// How a call of [`Sleepers::sleep`] or [`Sleepers::sleep_elsewhere`] ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Woken {
    /// There was work at the last look: the worker did not sleep. It counts as searching.
    Work,
    /// Somebody woke the worker. It counts as searching.
    Notified,
    /// The time ran out. The worker does not count as searching.
    TimedOut,
    /// The wait elsewhere ended by itself. The worker does not count as searching.
    Elsewhere,
}

/// Wakes the worker that waits elsewhere. It holds: rung before the wait, it ends that at once.
type Alarm = Box<dyn Fn() + Send + Sync>;

/// Who sleeps.
struct Asleep {
    stack: Vec<usize>,
    lookout: Option<usize>,
}

/// A worker that was chosen to wake up.
struct Chosen {
    index: usize,
    is_lookout: bool,
}

impl Asleep {
    fn choose(&mut self) -> Option<Chosen> {
        match self.stack.pop() {
            Some(index) => Some(Chosen { index, is_lookout: false }),
            None => self.lookout.take().map(|index| Chosen { index, is_lookout: true }),
        }
    }

    /// Takes a worker off; false when it was chosen before.
    fn remove(&mut self, index: usize) -> bool {
        if self.lookout == Some(index) {
            self.lookout = None;
            return true;
        }
        let position = self.stack.iter().rposition(|&sleeper| sleeper == index);
        position.map(|position| self.stack.remove(position)).is_some()
    }
}

/// The workers that sleep and the number of those that search.
pub struct Sleepers<P: Park> {
    state: CachePadded<AtomicUsize>,
    asleep: lock_api::Mutex<<class::Sleepers as Class>::Exclusive<RawMutex>, Asleep>,
    parkers: Box<[CachePadded<P>]>,
    alarm: OnceLock<Alarm>,
}

impl<P: Park> fmt::Debug for Sleepers<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.look();
        f.debug_struct("Sleepers")
            .field("workers", &self.parkers.len())
            .field("sleeping", &sleeping(state))
            .field("searching", &searching(state))
            .finish()
    }
}

impl<P: Park> Sleepers<P> {
    /// Makes the place for this many workers, none of them asleep or searching.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self {
            state: CachePadded::new(AtomicUsize::new(0)),
            asleep: lock_api::Mutex::new(Asleep {
                stack: Vec::with_capacity(workers),
                lookout: None,
            }),
            parkers: (0..workers).map(|_| CachePadded::new(P::new())).collect(),
            alarm: OnceLock::new(),
        }
    }

    /// Says how a worker is woken that waits elsewhere; before the first
    /// [`sleep_elsewhere`](Self::sleep_elsewhere). Only the first call counts.
    pub fn set_alarm(&self, alarm: Alarm) {
        // A second one would be the alarm of the same place.
        let _ = self.alarm.set(alarm);
    }

    /// Wakes one sleeper for work that the caller has just made visible in a queue.
    ///
    /// Does so only if somebody sleeps and nobody searches, and returns whether it did. The woken
    /// worker counts as searching. Costs a fence and a load when there is nobody to wake.
    #[inline]
    pub fn notify_one(&self) -> bool {
        // SeqCst: P2 of the argument; its partner is the fence in `sleep` and in `stop_search`.
        fence(Ordering::SeqCst);
        wanted(self.look()) && self.notify_one_slow()
    }

    #[cold]
    fn notify_one_slow(&self) -> bool {
        let mut asleep = self.asleep.lock();
        if !wanted(self.look()) {
            return false;
        }
        let Some(chosen) = asleep.choose() else { return false };
        self.count_chosen(1);
        drop(asleep);
        self.wake(&chosen);
        true
    }

    /// Wakes everybody who sleeps; each of them counts as searching.
    pub fn notify_all(&self) {
        let mut asleep = self.asleep.lock();
        let chosen: Vec<Chosen> = std::iter::from_fn(|| asleep.choose()).collect();
        self.count_chosen(chosen.len());
        drop(asleep);
        for chosen in &chosen {
            self.wake(chosen);
        }
    }

    /// Leaves the token of a chosen worker.
    fn wake(&self, chosen: &Chosen) {
        self.parkers[chosen.index].unpark();
        if chosen.is_lookout
            && let Some(alarm) = self.alarm.get()
        {
            alarm();
        }
    }

    /// Counts the calling worker as searching, unless half of the workers search already.
    ///
    /// One searcher is always allowed. Returns whether the worker may search.
    pub fn start_search(&self) -> bool {
        let searchers_max = (self.parkers.len() / 2).max(1);
        let mut state = self.look();
        while searching(state) < searchers_max {
            // Relaxed: a searcher promises to look later; what orders that look is the fence in
            // `stop_search` or `sleep`, when it stops being one.
            let raised = self.state.compare_exchange_weak(
                state,
                state + SEARCHING_ONE,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match raised {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// Ends the search of the calling worker, which found something.
    ///
    /// Returns true if it was the last searcher: producers relied on it, so it must look whether
    /// more is queued, and call [`notify_one`](Self::notify_one) if so.
    #[must_use]
    pub fn stop_search(&self) -> bool {
        let before = self.state.fetch_sub(SEARCHING_ONE, Ordering::Relaxed);
        debug_assert!(searching(before) > 0, "a worker that does not search cannot stop");
        // SeqCst: W2 of the argument; its partner is the fence in `notify_one`.
        fence(Ordering::SeqCst);
        searching(before) == 1
    }

    /// Puts the worker `index` to sleep until it is notified or `timeout` has passed.
    ///
    /// `searching` says whether it counts as searching now; it does not while it sleeps. `has_work`
    /// is asked once after the worker is registered; if it says true the worker does not sleep.
    ///
    /// # Blocking
    ///
    /// Parks the thread. `has_work` runs without a lock held.
    pub fn sleep(
        &self,
        index: usize,
        searching: bool,
        timeout: Option<Duration>,
        mut has_work: impl FnMut() -> bool,
    ) -> Woken {
        self.register(searching, |asleep| {
            debug_assert!(!asleep.stack.contains(&index), "worker {index} sleeps already");
            asleep.stack.push(index);
        });
        // SeqCst: W2 of the argument; its partner is the fence in `notify_one`.
        fence(Ordering::SeqCst);
        if has_work() {
            return self.wake_up(index, SEARCHING_ONE, Woken::Work);
        }
        let parker = &self.parkers[index];
        match timeout {
            None => parker.park(),
            Some(timeout) if parker.park_timeout(timeout) => {}
            Some(_) => return self.wake_up(index, 0, Woken::TimedOut),
        }
        Woken::Notified
    }

    /// As [`sleep`](Self::sleep), but the worker waits by calling `wait`, which returns when the
    /// alarm is rung, or when what it waits for has come. Only one worker at a time does so.
    ///
    /// # Blocking
    ///
    /// For as long as `wait` does. It runs without a lock held.
    pub fn sleep_elsewhere(
        &self,
        index: usize,
        searching: bool,
        mut has_work: impl FnMut() -> bool,
        wait: impl FnOnce(),
    ) -> Woken {
        debug_assert!(self.alarm.get().is_some(), "nobody could wake worker {index}");
        self.register(searching, |asleep| {
            let before = asleep.lookout.replace(index);
            debug_assert!(before.is_none(), "worker {before:?} waits elsewhere already");
        });
        // SeqCst: W2 of the argument; its partner is the fence in `notify_one`.
        fence(Ordering::SeqCst);
        if has_work() {
            return self.wake_up(index, SEARCHING_ONE, Woken::Work);
        }
        wait();
        self.wake_up(index, 0, Woken::Elsewhere)
    }

    /// Returns how many workers sleep.
    #[must_use]
    pub fn sleeping(&self) -> usize {
        // SeqCst: a caller that did something visible with SeqCst before either counts a worker
        // that goes to sleep, or that worker's `has_work`, behind the fence in `sleep`, sees it.
        sleeping(self.state.load(Ordering::SeqCst))
    }

    fn look(&self) -> usize {
        // Relaxed: the callers that depend on its order have a SeqCst fence before it, or hold the
        // lock of the stack.
        self.state.load(Ordering::Relaxed)
    }

    fn register(&self, searching: bool, add: impl FnOnce(&mut Asleep)) {
        let mut asleep = self.asleep.lock();
        add(&mut asleep);
        let change = SLEEPING_ONE.wrapping_sub(if searching { SEARCHING_ONE } else { 0 });
        self.state.fetch_add(change, Ordering::Relaxed);
    }

    /// Takes the worker's own index off, unless somebody has chosen it in between.
    fn wake_up(&self, index: usize, searching: usize, woken: Woken) -> Woken {
        let mut asleep = self.asleep.lock();
        if !asleep.remove(index) {
            drop(asleep);
            // Invariant 2: the token of the one who chose this worker is here or on its way.
            self.parkers[index].park();
            return Woken::Notified;
        }
        self.state.fetch_sub(SLEEPING_ONE - searching, Ordering::Relaxed);
        woken
    }

    /// Turns sleepers, taken off by the caller who holds the lock, into searchers.
    fn count_chosen(&self, sleepers: usize) {
        self.state.fetch_sub(sleepers * (SLEEPING_ONE - SEARCHING_ONE), Ordering::Relaxed);
    }
}

/// Says whether new work should wake somebody.
const fn wanted(state: usize) -> bool {
    sleeping(state) > 0 && searching(state) == 0
}

#[cfg(test)]
#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
mod tests {
    use std::sync::atomic::{AtomicU64, AtomicUsize};
    use std::sync::mpsc;
    use std::thread::{scope, yield_now};
    use std::time::Instant;

    use super::*;
    use crate::sync::parker::{CondvarParker, FutexParker};
    use crate::sync::queue::{LockFreeQueue, RunQueue};

    const LONG: Duration = Duration::from_secs(60);

    fn until(what: &str, condition: impl Fn() -> bool) {
        let start = Instant::now();
        while !condition() {
            assert!(start.elapsed() < LONG, "waited too long until {what}");
            yield_now();
        }
    }

    #[test]
    fn nobody_is_woken_while_nobody_sleeps() {
        let sleepers = Sleepers::<FutexParker>::new(2);
        assert!(!sleepers.notify_one());
        sleepers.notify_all();
        assert_eq!(sleepers.sleep(0, false, Some(Duration::ZERO), || false), Woken::TimedOut);
    }

    #[test]
    fn half_of_the_workers_may_search_and_always_one() {
        for (workers, searchers_max) in [(1, 1), (2, 1), (3, 1), (4, 2), (8, 4)] {
            let sleepers = Sleepers::<FutexParker>::new(workers);
            (0..searchers_max).for_each(|_| assert!(sleepers.start_search()));
            assert!(!sleepers.start_search());
            (1..searchers_max).for_each(|_| assert!(!sleepers.stop_search()));
            assert!(sleepers.stop_search());
        }
    }

    #[test]
    fn who_finds_work_at_the_last_look_searches() {
        let sleepers = Sleepers::<FutexParker>::new(1);
        assert_eq!(sleepers.sleep(0, false, None, || true), Woken::Work);
        assert_eq!(sleepers.sleeping(), 0);
        assert!(sleepers.stop_search());
    }

    #[test]
    fn a_searcher_that_times_out_no_longer_searches() {
        let sleepers = Sleepers::<FutexParker>::new(1);
        assert!(sleepers.start_search());
        let timeout = Some(Duration::from_millis(1));
        assert_eq!(sleepers.sleep(0, true, timeout, || false), Woken::TimedOut);
        assert!(sleepers.start_search());
        assert!(sleepers.stop_search());
    }

    #[test]
    fn a_notice_during_the_last_look_counts_once() {
        let sleepers = Sleepers::<FutexParker>::new(1);
        let notify = || {
            assert!(sleepers.notify_one());
            assert!(!sleepers.notify_one());
            true
        };
        assert_eq!(sleepers.sleep(0, false, None, notify), Woken::Notified);
        assert!(sleepers.stop_search());
        assert_eq!(sleepers.sleep(0, false, Some(Duration::ZERO), || false), Woken::TimedOut);
    }

    #[test]
    fn the_last_to_sleep_wakes_first_and_nobody_while_it_searches() {
        let sleepers = Sleepers::<CondvarParker>::new(3);
        let (send, woken) = mpsc::channel();
        scope(|scope| {
            for index in 0..3 {
                let (sleepers, send) = (&sleepers, send.clone());
                scope.spawn(move || {
                    assert_eq!(sleepers.sleep(index, false, None, || false), Woken::Notified);
                    send.send(index).unwrap();
                });
                until("the worker sleeps", || sleepers.sleeping() == index + 1);
            }
            assert!(sleepers.notify_one());
            assert_eq!(woken.recv_timeout(LONG), Ok(2));
            assert!(!sleepers.notify_one());
            assert!(sleepers.stop_search());
            assert!(sleepers.notify_one());
            assert_eq!(woken.recv_timeout(LONG), Ok(1));
            sleepers.notify_all();
            assert_eq!(woken.recv_timeout(LONG), Ok(0));
        });
        assert_eq!(searching(sleepers.look()), 2);
    }

    /// A worker of a small scheduler: it drains the queue, searches, sleeps, chains wake-ups.
    fn work(
        index: usize,
        sleepers: &Sleepers<FutexParker>,
        queue: &LockFreeQueue<u64>,
        left: &AtomicU64,
        sleeps: &AtomicUsize,
    ) {
        let mut is_searching = false;
        while left.load(Ordering::Acquire) > 0 {
            if let Some(hops) = queue.pop() {
                if std::mem::take(&mut is_searching) && sleepers.stop_search() && !queue.is_empty()
                {
                    sleepers.notify_one();
                }
                if hops > 0 {
                    queue.push(hops - 1);
                    sleepers.notify_one();
                } else if left.fetch_sub(1, Ordering::AcqRel) == 1 {
                    sleepers.notify_all();
                }
            } else if is_searching || !sleepers.start_search() {
                sleeps.fetch_add(1, Ordering::Relaxed);
                let has_work = || !queue.is_empty() || left.load(Ordering::Relaxed) == 0;
                let woken = sleepers.sleep(index, is_searching, Some(LONG), has_work);
                assert_ne!(woken, Woken::TimedOut, "worker {index} was left asleep");
                is_searching = true;
            } else {
                is_searching = true;
            }
        }
    }

    #[test]
    fn no_item_is_left_while_workers_sleep() {
        const WORKERS: usize = 6;
        const ITEMS: u64 = 3_000;
        let sleepers = Sleepers::new(WORKERS);
        let queue = LockFreeQueue::new();
        let (left, sleeps) = (AtomicU64::new(ITEMS), AtomicUsize::new(0));
        scope(|scope| {
            for index in 0..WORKERS {
                let (sleepers, queue, left, sleeps) = (&sleepers, &queue, &left, &sleeps);
                scope.spawn(move || work(index, sleepers, queue, left, sleeps));
            }
            for item in 0..ITEMS {
                queue.push(item % 7);
                sleepers.notify_one();
                if item % 50 == 0 {
                    until("the burst is eaten", || queue.is_empty());
                }
            }
        });
        assert!(queue.is_empty());
        assert_eq!(sleepers.sleeping(), 0);
        assert!(sleeps.into_inner() > 0);
    }
}
