//! Which workers sleep, who searches, and whom new work wakes.
//!
//! Called by the workers of the scheduler and by everybody who makes a mailbox ready.
//!
//! *State*: one packed word, read without a lock, and a stack of the sleepers' indices under one.
//!
//! | part of the word | meaning | raised by | lowered by |
//! |---|---|---|---|
//! | sleeping (high half) | indices on the stack | `sleep`, in the lock | whoever takes the index off, in the lock |
//! | searching (low half) | awake workers looking for work | `start_search`; who takes an index off for work | `stop_search`; `sleep` of a searcher |
//!
//! *The stack* is last in, first out: the thread that slept least has the warmest cache, and the
//! others may sleep for long.
//!
//! *Invariants*
//! 1. An index is on the stack exactly while its worker is in `sleep` and nobody chose it.
//! 2. Who takes a foreign index off the stack leaves exactly one token in its parker, and the worker
//!    takes exactly that token before it returns. No token outlives a call of `sleep`.
//! 3. The chosen worker counts as searching from the moment it is chosen, so one burst of pushes
//!    wakes one worker and not all.
//!
//! *No wake-up is lost* (Dekker's argument). A producer does P1: push, P2: SeqCst fence, P3: read the
//! word. A worker going to sleep does W1: change the word, W2: SeqCst fence, W3: `has_work`. The
//! fences have one order. If P2 is first, W3 sees the push and the worker does not sleep. If W2 is
//! first, P3 sees W1: the worker counts as sleeping and not as searching. Then the producer either
//! wakes a sleeper, or sees another searcher; that one later does `stop_search` or `sleep`, each of
//! which is again W1 to W3 (in `stop_search` the caller looks, when told that it was the last).
//!
//! *Shutdown*: `notify_all` empties the stack; a worker that is not asleep at that moment has to
//! look at the node's stop flag in `has_work`.

use std::fmt;
use std::time::Duration;

use crossbeam_utils::CachePadded;

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

/// How a call of [`Sleepers::sleep`] ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Woken {
    /// There was work at the last look: the worker did not sleep. It counts as searching.
    Work,
    /// Somebody woke the worker. It counts as searching.
    Notified,
    /// The time ran out. The worker does not count as searching.
    TimedOut,
}

/// The workers that sleep and the number of those that search.
pub struct Sleepers<P: Park> {
    state: CachePadded<AtomicUsize>,
    stack: lock_api::Mutex<RawMutex, Vec<usize>>,
    parkers: Box<[CachePadded<P>]>,
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
            stack: lock_api::Mutex::new(Vec::with_capacity(workers)),
            parkers: (0..workers).map(|_| CachePadded::new(P::new())).collect(),
        }
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
        let mut stack = self.stack.lock();
        if !wanted(self.look()) {
            return false;
        }
        let Some(index) = stack.pop() else { return false };
        self.choose(1);
        drop(stack);
        self.parkers[index].unpark();
        true
    }

    /// Wakes everybody who sleeps; each of them counts as searching.
    pub fn notify_all(&self) {
        let mut stack = self.stack.lock();
        let chosen = std::mem::take(&mut *stack);
        self.choose(chosen.len());
        drop(stack);
        for index in chosen {
            self.parkers[index].unpark();
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
        self.register(index, searching);
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

    /// Returns how many workers sleep.
    #[must_use]
    pub fn sleeping(&self) -> usize {
        sleeping(self.look())
    }

    fn look(&self) -> usize {
        // Relaxed: the callers that depend on its order have a SeqCst fence before it, or hold the
        // lock of the stack.
        self.state.load(Ordering::Relaxed)
    }

    fn register(&self, index: usize, searching: bool) {
        let mut stack = self.stack.lock();
        debug_assert!(!stack.contains(&index), "worker {index} sleeps already");
        stack.push(index);
        let change = SLEEPING_ONE.wrapping_sub(if searching { SEARCHING_ONE } else { 0 });
        self.state.fetch_add(change, Ordering::Relaxed);
    }

    /// Takes the worker's own index off the stack, unless somebody has chosen it in between.
    fn wake_up(&self, index: usize, searching: usize, woken: Woken) -> Woken {
        let mut stack = self.stack.lock();
        let Some(position) = stack.iter().rposition(|&sleeper| sleeper == index) else {
            drop(stack);
            // Invariant 2: the token of the one who chose this worker is here or on its way.
            self.parkers[index].park();
            return Woken::Notified;
        };
        stack.remove(position);
        self.state.fetch_sub(SLEEPING_ONE - searching, Ordering::Relaxed);
        woken
    }

    /// Turns sleepers, taken off the stack by the caller who holds its lock, into searchers.
    fn choose(&self, sleepers: usize) {
        self.state.fetch_sub(sleepers * (SLEEPING_ONE - SEARCHING_ONE), Ordering::Relaxed);
    }
}

/// Says whether new work should wake somebody.
const fn wanted(state: usize) -> bool {
    sleeping(state) > 0 && searching(state) == 0
}
