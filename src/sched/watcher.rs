//! The watcher: a thread that looks after the workers while they are busy, and sleeps with them.
//!
//! It has three duties.
//!
//! 1. *Stale next slots.* A service in a worker's next slot waits for the end of that worker's
//!    turn. When the turn is long and other workers sleep, the watcher moves the service to the
//!    run queue after one to two milliseconds.
//! 2. *Endless messages.* Every five seconds it compares each worker's version with the last one
//!    it saw, and reports a worker that is still in the same message. Spec: runtime section 5.7.
//! 3. *Limits.* If messages may run for a limited time only, it has those interrupted that run for
//!    longer, again and again until they end.
//!
//! *State*
//!
//! | flag | meaning | set by | cleared by |
//! |---|---|---|---|
//! | `slots` | slots may be filled: look every millisecond | a worker that fills a slot or goes to sleep | watcher |
//! | `busy` | workers run: look every five seconds | a worker that starts or wakes up | watcher |
//!
//! Both flags clear after a look that found nothing new, and the watcher then sleeps without a
//! timeout: an idle node makes no wake-ups.
//!
//! *Orderings.* A worker fills its slot, then loads `slots`; the watcher clears `slots`, then looks
//! at all slots once more. Both are SeqCst, so one of them sees the other. It then looks whether
//! anybody sleeps, and a worker that goes to sleep looks at all slots after it counts as sleeping:
//! again SeqCst, and one of them sees the other and tells the watcher. `busy` works the same
//! way with the versions, where a missed wake-up only delays a report to the next busy spell.

use std::time::Duration;

use super::worker::WorkerState;
use super::{Endless, Scheduler};
use crate::message::Address;
use crate::sync::facade::atomic::{AtomicBool, Ordering};
use crate::sync::facade::time::Instant;
use crate::sync::{Park, Sleepers, Strategy};

/// How often next slots are looked at. The reference lets a ready service wait for up to 2.5 ms.
const SLOT_PERIOD: Duration = Duration::from_millis(1);
/// After so many looks without a filled slot the watcher lets go.
const QUIET_LOOKS: u32 = 4;
/// How often workers are checked for endless messages.
const ENDLESS_PERIOD: Duration = Duration::from_secs(5);
/// How long the watcher waits for a service to say what it does.
const PATIENCE: Duration = Duration::from_millis(100);

/// How workers reach the watcher.
pub(super) struct Watch<S: Strategy> {
    parker: S::Parker,
    slots: AtomicBool,
    busy: AtomicBool,
}

impl<S: Strategy> Watch<S> {
    pub(super) fn new() -> Self {
        Self { parker: Park::new(), slots: AtomicBool::new(false), busy: AtomicBool::new(false) }
    }

    /// A next slot is filled. Only matters when somebody sleeps who could run what is in it.
    pub(super) fn slot_filled(&self, sleepers: &Sleepers<S::Parker>) {
        if !self.slots.load(Ordering::SeqCst)
            && sleepers.sleeping() > 0
            && !self.slots.swap(true, Ordering::SeqCst)
        {
            self.parker.unpark();
        }
    }

    /// A worker started or woke up and may run messages now.
    pub(super) fn worker_woke(&self) {
        if !self.busy.load(Ordering::SeqCst) && !self.busy.swap(true, Ordering::SeqCst) {
            self.parker.unpark();
        }
    }

    pub(super) fn stop(&self) {
        self.parker.unpark();
    }
}

/// The watcher's memory between two looks.
struct Watcher<'a, S: Strategy> {
    scheduler: &'a Scheduler<S>,
    puts: Vec<u64>,
    versions: Vec<u32>,
    limits: Limits,
    quiet_looks: u32,
    next_check: Instant,
}

/// Since when the workers are in the same messages, for the third duty.
struct Limits {
    limit: Duration,
    seen: Vec<(u32, Instant)>,
    next_check: Instant,
}

impl Limits {
    fn new(limit: Duration, workers: usize) -> Self {
        let now = Instant::now();
        Self { limit, seen: vec![(0, now); workers], next_check: now }
    }

    fn are_set(&self) -> bool {
        !self.limit.is_zero()
    }

    /// Short against the limit, so that an interruption comes soon after it.
    fn period(&self) -> Duration {
        self.limit / 16
    }

    /// Tells whether a worker has been in the same message for longer than the limit.
    fn is_over(&mut self, worker: usize, version: u32, now: Instant) -> bool {
        let Some(seen) = self.seen.get_mut(worker) else { return false };
        if seen.0 != version {
            *seen = (version, now);
        }
        now.saturating_duration_since(seen.1) >= self.limit
    }
}

impl<S: Strategy> Scheduler<S> {
    /// Looks after the workers on the calling thread until [`Scheduler::stop`].
    ///
    /// # Blocking
    /// Sleeps while the node is idle.
    pub fn run_watcher(&self) {
        let workers = self.workers.len();
        let mut watcher = Watcher {
            scheduler: self,
            puts: vec![0; workers],
            versions: vec![0; workers],
            limits: Limits::new(self.message_limit, workers),
            quiet_looks: 0,
            next_check: Instant::now() + ENDLESS_PERIOD,
        };
        while !self.is_stopping() {
            watcher.wait();
            watcher.look();
        }
    }
}

impl<S: Strategy> Watcher<'_, S> {
    fn wait(&mut self) {
        let watch = &self.scheduler.watch;
        if watch.slots.load(Ordering::SeqCst) {
            watch.parker.park_timeout(SLOT_PERIOD);
        } else if watch.busy.load(Ordering::SeqCst) {
            watch.parker.park_timeout(self.next_look().saturating_duration_since(Instant::now()));
        } else {
            watch.parker.park();
            self.next_check = Instant::now() + ENDLESS_PERIOD;
            self.remember_versions();
        }
    }

    fn next_look(&self) -> Instant {
        match self.limits.are_set() {
            true => self.limits.next_check.min(self.next_check),
            false => self.next_check,
        }
    }

    fn look(&mut self) {
        if self.scheduler.watch.slots.load(Ordering::SeqCst) {
            self.look_at_slots();
        }
        if Instant::now() >= self.next_check {
            self.next_check = Instant::now() + ENDLESS_PERIOD;
            self.look_at_messages();
        }
        if self.limits.are_set() && Instant::now() >= self.limits.next_check {
            self.interrupt_long_messages();
        }
    }

    /// Interrupts what runs for longer than it may.
    fn interrupt_long_messages(&mut self) {
        let now = Instant::now();
        self.limits.next_check = now + self.limits.period();
        for (index, worker) in self.scheduler.workers.iter().enumerate() {
            if self.limits.is_over(index, worker.version(), now)
                && let Some((_, service)) = worker.handling()
                && let Some(cell) = self.scheduler.registry.find(service)
            {
                cell.interrupt(self.limits.limit);
            }
        }
    }

    fn look_at_slots(&mut self) {
        if self.rescue_stale_slots() {
            self.quiet_looks = 0;
            return;
        }
        self.quiet_looks += 1;
        if self.quiet_looks < QUIET_LOOKS {
            return;
        }
        self.quiet_looks = 0;
        let watch = &self.scheduler.watch;
        watch.slots.store(false, Ordering::SeqCst);
        if self.scheduler.workers.iter().any(|worker| worker.next.is_some()) {
            watch.slots.store(true, Ordering::SeqCst);
        }
    }

    /// Moves what sits in a next slot since the last look. Returns whether slots are in use.
    fn rescue_stale_slots(&mut self) -> bool {
        let mut in_use = false;
        for (worker, seen) in self.scheduler.workers.iter().zip(&mut self.puts) {
            let puts = worker.next.puts();
            in_use |= puts != *seen;
            if puts == *seen
                && let Some(cell) = worker.next.take()
            {
                self.scheduler.enqueue(cell);
                in_use = true;
            }
            *seen = puts;
        }
        in_use
    }

    fn look_at_messages(&mut self) {
        let mut running = false;
        for (index, worker) in self.scheduler.workers.iter().enumerate() {
            let version = worker.version();
            let seen = std::mem::replace(&mut self.versions[index], version);
            running |= version != seen;
            if version == seen
                && let Some((source, service)) = worker.handling()
            {
                running = true;
                self.report_endless(worker, source, service);
            }
        }
        if !running {
            self.scheduler.watch.busy.store(false, Ordering::SeqCst);
        }
    }

    fn report_endless(&self, worker: &WorkerState<S>, source: Address, service: Address) {
        let cell = self.scheduler.registry.find(service);
        if let Some(cell) = &cell {
            cell.stats.set_endless();
        }
        let message = Endless {
            source,
            service,
            version: worker.version(),
            elapsed: self.elapsed(worker),
            doing: cell.and_then(|cell| cell.describe(PATIENCE)),
        };
        self.scheduler.reports.endless(&message);
    }

    /// Returns for how long a worker's message runs: since the last look at least.
    fn elapsed(&self, worker: &WorkerState<S>) -> Duration {
        match self.scheduler.profile {
            true => {
                Duration::from_nanos(self.scheduler.now_ns().saturating_sub(worker.charged_ns()))
            }
            false => ENDLESS_PERIOD,
        }
    }

    fn remember_versions(&mut self) {
        for (worker, seen) in self.scheduler.workers.iter().zip(&mut self.versions) {
            *seen = worker.version();
        }
    }
}
