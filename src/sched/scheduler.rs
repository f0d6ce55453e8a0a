//! What the workers share, and how a message gets in. Called by everything that sends.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use super::panic::panic_text;
use super::watcher::Watch;
use super::worker::WorkerState;
use crate::message::{Address, Deliver, Message, socket};
use crate::service::{Closed, Pushed, Recorder, Registry, RegistryFull, Service, ServiceCell};
use crate::sync::facade::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::facade::thread_local;
use crate::sync::facade::time::Instant;
use crate::sync::{RunQueue, Selected, Sleepers, Strategy};

/// A message that runs for seconds.
#[derive(Debug)]
pub struct Endless {
    /// Who sent it.
    pub source: Address,
    /// The service that handles it.
    pub service: Address,
    /// The worker's version, which differs from message to message.
    pub version: u32,
    /// For how long it runs at least.
    pub elapsed: Duration,
    /// What the service does, if it says so.
    pub doing: Option<String>,
}

/// What the scheduler has to say. The node turns it into log lines.
pub trait Reports: Send + Sync {
    /// A service's mailbox grew beyond its threshold.
    fn overload(&self, service: Address, length: usize);
    /// A message runs for seconds already.
    fn endless(&self, message: &Endless);
    /// A handler panicked; the service has been retired.
    fn panicked(&self, service: Address, what: &str);
    /// A service has ended, and `left` still live.
    fn ended(&self, left: usize);
    /// A message was dropped that a service of another node has sent: `error` tells it so. Whoever
    /// runs nodes in networks sends it.
    fn bounced(&self, to: Address, error: Message) {
        let _ = (to, error);
    }
}

/// How a scheduler is set up.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// This node's id, the top byte of every address.
    pub harbor: u8,
    /// Number of worker threads.
    pub workers: usize,
    /// Whether CPU time is counted for each service.
    pub profile: bool,
    /// For how long a message may run before it is interrupted; zero for ever.
    pub message_limit: Duration,
}

/// Runs services on worker threads.
pub struct Scheduler<S: Strategy = Selected> {
    /// The services by address and name.
    pub registry: Registry<S>,
    pub(super) queue: S::RunQueue<Arc<ServiceCell<S>>>,
    pub(super) sleepers: Sleepers<S::Parker>,
    pub(super) workers: Box<[WorkerState<S>]>,
    pub(super) watch: Watch<S>,
    pub(super) profile: bool,
    pub(super) message_limit: Duration,
    pub(super) reports: Box<dyn Reports>,
    pub(super) origin: Instant,
    unfinished: AtomicUsize,
    stopping: AtomicBool,
}

thread_local! {
    /// The scheduler (by its address) and worker that the calling thread is.
    static CURRENT: Cell<(*const (), usize)> = const { Cell::new((ptr::null(), 0)) };
    /// Inside of `wake_after`: whether something was put on the run queue.
    static HELD: Cell<Option<bool>> = const { Cell::new(None) };
}

impl<S: Strategy> Scheduler<S> {
    /// Makes a scheduler without threads; [`Self::run_worker`] and [`Self::run_watcher`] are
    /// called on threads of the caller's.
    pub fn new(settings: Settings, reports: Box<dyn Reports>) -> Self {
        Self {
            registry: Registry::new(settings.harbor),
            queue: RunQueue::new(),
            sleepers: Sleepers::new(settings.workers),
            workers: (0..settings.workers).map(WorkerState::new).collect(),
            watch: Watch::new(),
            profile: settings.profile,
            message_limit: settings.message_limit,
            reports,
            origin: Instant::now(),
            unfinished: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        }
    }

    /// Gives a new service its address. It takes messages at once and runs after
    /// [`Self::start`].
    ///
    /// # Errors
    /// When every address is taken.
    pub fn register(&self) -> Result<Arc<ServiceCell<S>>, RegistryFull> {
        self.unfinished.fetch_add(1, Ordering::Relaxed);
        self.registry.register().inspect_err(|_| self.count_down())
    }

    /// Puts the service into its cell and lets workers run it. It ends at once if
    /// [`Self::clear`] came first.
    pub fn start(&self, cell: &Arc<ServiceCell<S>>, service: Box<dyn Service>) {
        let finished = {
            let mut body = cell.body.lock();
            body.service = Some(service);
            body.finished
        };
        if finished { self.finish(cell) } else { self.ready(Arc::clone(cell)) }
    }

    /// Gives up a registered service that was not started: what waits for it bounces.
    pub fn abandon(&self, cell: &Arc<ServiceCell<S>>) {
        self.retire(cell.address());
        // The creator owns the mailbox, so only `clear` may have finished it.
        self.finish(cell);
    }

    /// Takes a service out of the node: nobody finds it any more, what waits for it bounces, and
    /// it is dropped as soon as it does not run. Returns whether it lived.
    pub fn retire(&self, address: Address) -> bool {
        let Some(cell) = self.registry.remove(address) else { return false };
        if cell.mailbox.close() == Closed::ByCaller {
            self.finish(&cell);
        }
        true
    }

    /// Retires a service as soon as nothing waits for it.
    pub fn retire_when_idle(&self, address: Address) {
        let Some(cell) = self.registry.find(address) else { return };
        cell.set_leaving();
        self.retire_if_idle(&cell);
    }

    pub(super) fn retire_if_idle(&self, cell: &ServiceCell<S>) {
        if cell.mailbox.is_idle() {
            self.retire(cell.address());
        }
    }

    /// Returns how many services live, those that still run their last message included.
    pub fn unfinished(&self) -> usize {
        // Acquire: pairs with the count-down.
        self.unfinished.load(Ordering::Acquire)
    }

    /// Lets the node end although this service lives (the harbor service).
    pub fn exempt(&self, address: Address) {
        if self.registry.with(address, |cell| cell.set_exempt()) == Some(true) {
            self.count_down();
        }
    }

    /// Puts a message into the mailbox of `to`.
    ///
    /// # Errors
    /// Gives the message back when no such service lives on this node.
    ///
    /// # Blocking
    /// Takes the registry's lock for reading and the mailbox's lock, both for a few instructions.
    pub fn post(&self, to: Address, message: Message) -> Result<(), Message> {
        let mut message = Some(message);
        let pushed = self.registry.with(to, |cell| {
            let message = message.take()?;
            Some(cell.mailbox.push(message).map(|pushed| match pushed {
                Pushed::Ready => Some(Arc::clone(cell)),
                Pushed::Queued => None,
            }))
        });
        match (pushed.flatten(), message) {
            (Some(Ok(Some(cell))), _) => self.ready(cell),
            (Some(Ok(None)), _) => {}
            (Some(Err(back)), _) | (None, Some(back)) => return Err(back),
            (None, None) => unreachable!("the message is either taken or still here"),
        }
        Ok(())
    }

    /// Returns for how long the message runs that the calling thread handles; 0 on other threads
    /// and without profiling.
    pub fn current_message_ns(&self) -> u64 {
        let (scheduler, index) = CURRENT.with(Cell::get);
        if !self.profile || !ptr::eq(scheduler, ptr::from_ref(self).cast()) {
            return 0;
        }
        self.now_ns().saturating_sub(self.workers[index].charged_ns())
    }

    /// Returns when the message began that the calling thread handles; the present time on other
    /// threads and without profiling.
    pub fn message_start_ns(&self) -> u64 {
        let (scheduler, index) = CURRENT.with(Cell::get);
        if !self.profile || !ptr::eq(scheduler, ptr::from_ref(self).cast()) {
            return self.now_ns();
        }
        self.workers[index].charged_ns()
    }

    /// Returns the time since the scheduler was made, in nanoseconds.
    pub fn now_ns(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    /// Starts to record the messages of a service; see [`ServiceCell::start_recording`].
    pub fn record(
        &self,
        address: Address,
        open: impl FnOnce() -> Option<Box<dyn Recorder>>,
    ) -> bool {
        self.registry.find(address).is_some_and(|cell| cell.start_recording(open))
    }

    /// Ends the loops of all workers and of the watcher after their current turn.
    pub fn stop(&self) {
        // SeqCst: pairs with the look at `stopping` after a worker registered as sleeper.
        self.stopping.store(true, Ordering::SeqCst);
        self.sleepers.notify_all();
        self.watch.stop();
    }

    /// Finishes what the workers left behind, and what other threads have registered and not
    /// started yet; called when the workers have ended.
    pub fn clear(&self) {
        for worker in &self.workers {
            worker.next.take();
        }
        while self.queue.pop().is_some() {}
        for address in self.registry.addresses() {
            if let Some(cell) = self.registry.remove(address) {
                cell.mailbox.close();
                self.finish(&cell);
            }
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        // SeqCst: pairs with `stop`.
        self.stopping.load(Ordering::SeqCst)
    }

    /// Makes the calling thread the worker `index` of this scheduler.
    pub(super) fn enter_worker(&self, index: usize) {
        CURRENT.with(|current| current.set((ptr::from_ref(self).cast(), index)));
    }

    pub(super) fn leave_worker(&self) {
        CURRENT.with(|current| current.set((ptr::null(), 0)));
    }

    /// Returns the state of the worker that the calling thread is.
    fn own_state(&self) -> Option<&WorkerState<S>> {
        let (scheduler, index) = CURRENT.with(Cell::get);
        ptr::eq(scheduler, ptr::from_ref(self).cast()).then(|| &self.workers[index])
    }

    /// Hands a mailbox that became ready to a worker: to this one's next slot if this is a
    /// worker, so that a reply needs no wake-up, else to the run queue.
    fn ready(&self, cell: Arc<ServiceCell<S>>) {
        let Some(worker) = self.own_state() else { return self.enqueue_or_hold(cell) };
        match worker.next.put(cell) {
            Some(earlier) => self.enqueue_or_hold(earlier),
            // In `wake_after` the worker is between two turns: it runs what is in the slot soon.
            None if HELD.with(Cell::get).is_some() => {}
            None if self.workers.len() > 1 => self.watch.slot_filled(&self.sleepers),
            None => {}
        }
    }

    fn enqueue_or_hold(&self, cell: Arc<ServiceCell<S>>) {
        if HELD.with(Cell::get).is_none() {
            return self.enqueue(cell);
        }
        HELD.with(|held| held.set(Some(true)));
        self.queue.push(cell);
    }

    /// Calls `deliver`, which sends much, and wakes a worker for it only afterwards: so the
    /// calling thread is not interrupted at its first message. If `deliver` says that there is more
    /// to do, a worker leaves everything to the others and keeps nothing for itself.
    pub fn wake_after(&self, deliver: impl FnOnce() -> bool) {
        HELD.with(|held| held.set(Some(false)));
        let more = deliver();
        if more && let Some(cell) = self.own_state().and_then(|worker| worker.next.take()) {
            self.enqueue_or_hold(cell);
        }
        if HELD.with(Cell::take) == Some(true) {
            self.sleepers.notify_one();
        }
    }

    /// Says how a worker is woken that waits for what is outside; see [`Outside`](super::Outside).
    pub fn set_alarm(&self, alarm: Box<dyn Fn() + Send + Sync>) {
        self.sleepers.set_alarm(alarm);
    }

    /// Puts a mailbox on the run queue and wakes a worker for it.
    pub(super) fn enqueue(&self, cell: Arc<ServiceCell<S>>) {
        self.queue.push(cell);
        self.sleepers.notify_one();
    }

    /// Ends a closed service: drops it, then bounces what still waited for it. Only the owner of
    /// the mailbox calls this, and [`Self::clear`] before or after it: a service counts once.
    pub(super) fn finish(&self, cell: &ServiceCell<S>) {
        let (service, batch, finished) = {
            let mut body = cell.body.lock();
            let finished = std::mem::replace(&mut body.finished, true);
            (body.service.take(), std::mem::take(&mut body.batch), finished)
        };
        cell.stop_recording();
        // A panic here is the service's own affair, as in its handlers.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(service))) {
            self.reports.panicked(cell.address(), panic_text(&*panic));
        }
        for message in batch.into_iter().chain(cell.mailbox.drain()) {
            self.bounce(cell.address(), &message);
            socket::discard(message);
        }
        if !finished && !cell.is_exempt() {
            self.count_down();
        }
    }

    /// Tells the sender of a message that it was dropped.
    pub(super) fn bounce(&self, dead: Address, message: &Message) {
        if let Some((to, error)) = message.bounce(dead) {
            match self.post(to, error) {
                Err(error) if to.harbor() != dead.harbor() => self.reports.bounced(to, error),
                // A sender that is gone itself needs no notice.
                _ => {}
            }
        }
    }

    fn count_down(&self) {
        // AcqRel: whoever sees 0 also sees what the services did before they ended.
        let before = self.unfinished.fetch_sub(1, Ordering::AcqRel);
        self.reports.ended(before - 1);
    }
}

impl<S: Strategy> Deliver for Scheduler<S> {
    fn deliver(&self, to: Address, message: Message) -> Result<(), Message> {
        self.post(to, message)
    }
}
