//! The loop of a worker: take a mailbox, run a turn, put it back if more waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::accounting::Accounting;
use super::outside::Post;
use super::panic::panic_text;
use super::{Outside, Scheduler, Weight};
use crate::message::{Address, Message, Payload};
use crate::service::{Body, ServiceCell, Taken};
use crate::sync::{NextSlot, RunQueue, Strategy, Woken};

/// How many turns in a row may come from the next slot while others wait in the run queue: enough
/// for a few round trips between two services, short enough that nobody notices the wait.
const SLOT_TURNS_MAX: u32 = 32;

/// After so many turns a busy worker looks outside, if nobody else does.
const OUTSIDE_TURNS: u32 = 64;

/// The first overload report comes above this length. Spec: runtime section 5.6.
const OVERLOAD_THRESHOLD: usize = 1024;

/// What others may see of a worker. Aligned so that workers do not share cache lines.
#[repr(align(128))]
pub(super) struct WorkerState<S: Strategy> {
    weight: Weight,
    /// The mailbox that this worker made ready last and runs next.
    pub(super) next: NextSlot<ServiceCell<S>>,
    source: AtomicU32,
    destination: AtomicU32,
    version: AtomicU32,
    /// Up to when time was charged to services: the current message began then.
    charged_ns: AtomicU64,
}

impl<S: Strategy> WorkerState<S> {
    pub(super) fn new(index: usize) -> Self {
        Self {
            weight: Weight::of_worker(index),
            next: NextSlot::new(),
            source: AtomicU32::new(0),
            destination: AtomicU32::new(0),
            version: AtomicU32::new(0),
            charged_ns: AtomicU64::new(0),
        }
    }

    /// Notes which message is being handled. Relaxed: the watcher compares values that are
    /// seconds old, nothing is ordered by them.
    fn enter(&self, source: Address, destination: Address) {
        self.source.store(source.bits(), Ordering::Relaxed);
        self.destination.store(destination.bits(), Ordering::Relaxed);
        self.version.store(self.version().wrapping_add(1), Ordering::Relaxed);
    }

    fn set_charged(&self, ns: u64) {
        self.charged_ns.store(ns, Ordering::Relaxed);
    }

    /// Returns when the current message began, in nanoseconds of the scheduler's clock.
    pub(super) fn charged_ns(&self) -> u64 {
        self.charged_ns.load(Ordering::Relaxed)
    }

    pub(super) fn version(&self) -> u32 {
        self.version.load(Ordering::Relaxed)
    }

    /// Returns source and destination of the message being handled, if there is one.
    pub(super) fn handling(&self) -> Option<(Address, Address)> {
        let destination = Address::new(self.destination.load(Ordering::Relaxed));
        (destination != Address::NOBODY)
            .then(|| (Address::new(self.source.load(Ordering::Relaxed)), destination))
    }
}

/// One worker's own state.
struct Worker<'a, S: Strategy> {
    scheduler: &'a Scheduler<S>,
    state: &'a WorkerState<S>,
    outside: Option<&'a dyn Outside>,
    index: usize,
    clock: Option<Accounting>,
    searching: bool,
    slot_turns: u32,
    /// Turns since the last look outside.
    inside_turns: u32,
}

impl<S: Strategy> Scheduler<S> {
    /// The last look of a worker that goes to sleep.
    fn has_work(&self) -> bool {
        // Whoever filled a slot before may have seen nobody asleep.
        if self.workers.iter().any(|worker| worker.next.is_some()) {
            self.watch.slot_filled(&self.sleepers);
        }
        !self.queue.is_empty() || self.is_stopping()
    }

    /// Runs services on the calling thread until [`Scheduler::stop`], and carries out what comes
    /// from outside.
    ///
    /// # Blocking
    /// Sleeps while there is nothing to do.
    pub fn run_worker(&self, index: usize, outside: Option<&dyn Outside>) {
        self.enter_worker(index);
        let mut worker = Worker {
            scheduler: self,
            state: &self.workers[index],
            outside,
            index,
            clock: self.profile.then(|| Accounting::new(self.origin)),
            searching: false,
            slot_turns: 0,
            inside_turns: 0,
        };
        // Work may be there before the worker sleeps for the first time.
        self.watch.worker_woke();
        while let Some(cell) = worker.next() {
            worker.turn(cell);
        }
        self.leave_worker();
    }
}

impl<S: Strategy> Worker<'_, S> {
    /// Returns the next mailbox to run, sleeping until there is one; `None` at the end.
    fn next(&mut self) -> Option<Arc<ServiceCell<S>>> {
        loop {
            if self.scheduler.is_stopping() {
                return None;
            }
            self.glance_outside();
            if let Some(cell) = self.take_next().or_else(|| self.take_queued()) {
                return Some(cell);
            }
            self.idle();
        }
    }

    fn take_next(&mut self) -> Option<Arc<ServiceCell<S>>> {
        let cell = self.state.next.take()?;
        self.slot_turns += 1;
        if self.slot_turns < SLOT_TURNS_MAX {
            return Some(cell);
        }
        self.slot_turns = 0;
        match self.scheduler.queue.pop() {
            None => Some(cell),
            Some(other) => {
                self.scheduler.enqueue(cell);
                Some(other)
            }
        }
    }

    fn take_queued(&mut self) -> Option<Arc<ServiceCell<S>>> {
        let cell = self.scheduler.queue.pop()?;
        self.slot_turns = 0;
        self.end_search();
        Some(cell)
    }

    /// The worker has something to do.
    fn end_search(&mut self) {
        if std::mem::take(&mut self.searching)
            && self.scheduler.sleepers.stop_search()
            && !self.scheduler.queue.is_empty()
        {
            // The last searcher wakes the next one, so that a burst brings up all workers.
            self.scheduler.sleepers.notify_one();
        }
    }

    /// Sleeps until somebody may have work for this worker.
    fn idle(&mut self) {
        match self.outside.and_then(Post::take) {
            Some(post) => self.sleep_outside(&post),
            None => self.sleep(),
        }
        if let Some(clock) = &mut self.clock {
            self.state.set_charged(clock.resume());
        }
    }

    fn sleep(&mut self) {
        let scheduler = self.scheduler;
        let has_work = || scheduler.has_work();
        let woken = scheduler.sleepers.sleep(self.index, self.searching, None, has_work);
        self.searching = !matches!(woken, Woken::TimedOut);
        scheduler.watch.worker_woke();
    }

    /// Sleeps where the outside is heard, and carries out what has come from there.
    fn sleep_outside(&mut self, post: &Post<'_>) {
        let scheduler = self.scheduler;
        let mut has_come = false;
        let woken = scheduler.sleepers.sleep_elsewhere(
            self.index,
            self.searching,
            || scheduler.has_work(),
            || has_come = post.wait(true),
        );
        self.searching = matches!(woken, Woken::Work | Woken::Notified);
        scheduler.watch.worker_woke();
        self.inside_turns = 0;
        if has_come {
            // What the worker was woken for is not to wait for what comes from outside.
            self.end_search();
            post.carry_out();
        }
    }

    /// Looks outside from time to time when all workers are busy.
    fn glance_outside(&mut self) {
        self.inside_turns += 1;
        if self.inside_turns < OUTSIDE_TURNS || self.searching {
            return;
        }
        self.inside_turns = 0;
        if let Some(post) = self.outside.and_then(Post::take)
            && post.wait(false)
        {
            post.carry_out();
        }
    }

    /// Runs a mailbox until it is empty or others want the worker.
    fn turn(&mut self, cell: Arc<ServiceCell<S>>) {
        let mut body = cell.body.lock();
        loop {
            match self.round(&cell, &mut body) {
                Taken::Nothing => {
                    drop(body);
                    if cell.is_leaving() {
                        // A message may have come since; then its turn ends the service.
                        self.scheduler.retire_if_idle(&cell);
                    }
                    return;
                }
                Taken::Closed => {
                    drop(body);
                    return self.scheduler.finish(&cell);
                }
                Taken::Messages if self.others_wait() => {
                    drop(body);
                    return self.scheduler.enqueue(cell);
                }
                // What is left is bounced by `Scheduler::clear`.
                Taken::Messages if self.scheduler.is_stopping() => return,
                Taken::Messages => {}
            }
        }
    }

    fn others_wait(&self) -> bool {
        self.state.next.is_some() || !self.scheduler.queue.is_empty()
    }

    /// Handles as many messages as the worker's weight says. Returns what is left: perhaps more
    /// messages, nothing (the mailbox is not ours any more), or a closed mailbox.
    fn round(&mut self, cell: &Arc<ServiceCell<S>>, body: &mut Body) -> Taken {
        let mut handled = 0;
        let mut limit = 1;
        while handled < limit {
            let Some(message) = body.batch.pop_front() else {
                match self.refill(cell, body) {
                    Taken::Messages => continue,
                    other => return other,
                }
            };
            if handled == 0 {
                limit = self.state.weight.messages(body.batch.len());
            }
            handled += 1;
            self.dispatch(cell, body, message);
            if cell.is_retired() {
                return Taken::Closed;
            }
        }
        // An empty mailbox must not go back to the run queue: somebody would be woken for it.
        if body.batch.is_empty() { self.refill(cell, body) } else { Taken::Messages }
    }

    /// Takes the next batch and looks whether it is too long.
    fn refill(&mut self, cell: &ServiceCell<S>, body: &mut Body) -> Taken {
        let taken = cell.mailbox.take(&mut body.batch);
        if taken == Taken::Nothing {
            body.overload_threshold = OVERLOAD_THRESHOLD;
            return taken;
        }
        let threshold = body.overload_threshold.max(OVERLOAD_THRESHOLD);
        let left = body.batch.len().saturating_sub(1);
        if left > threshold {
            let doublings = (left.div_ceil(threshold)).next_power_of_two();
            body.overload_threshold = threshold * doublings;
            self.scheduler.reports.overload(cell.address(), left);
        }
        taken
    }

    fn dispatch(&mut self, cell: &Arc<ServiceCell<S>>, body: &mut Body, message: Message) {
        cell.stats.begin_message(body.batch.len());
        cell.record(&message);
        let Some(service) = body.service.as_mut() else { return };
        let (source, session, kind) = (message.source, message.session, message.kind);
        self.state.enter(source, cell.address());
        let outcome = catch_unwind(AssertUnwindSafe(|| service.dispatch(message)));
        self.state.enter(Address::NOBODY, Address::NOBODY);
        if let Some(clock) = &mut self.clock {
            self.state.set_charged(clock.charge(&cell.stats));
        }
        if let Err(panic) = outcome {
            self.panicked(cell, &*panic);
            let lost = Message { source, session, kind, payload: Payload::EMPTY };
            self.scheduler.bounce(cell.address(), &lost);
        }
    }

    /// Retires a service whose handler panicked; the process goes on.
    fn panicked(&self, cell: &ServiceCell<S>, panic: &(dyn std::any::Any + Send)) {
        self.scheduler.reports.panicked(cell.address(), panic_text(panic));
        self.scheduler.retire(cell.address());
    }
}
