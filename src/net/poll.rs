//! Rounds: wait for readiness and do what it says, one socket after the other.
//!
//! Events are edge-triggered: each is reported once, so whatever is reported is read until nothing
//! is left, or noted in `missed` when nobody wants to hear of it. A socket that has very much to
//! read is put aside for the sockets behind it (`again`).
//!
//! Rounds are done by the [`Lookout`]: an idle worker calls `wait` and `carry_out`, the thread
//! `net` stands in.
//!
//! *Start and end.* The first descriptor to watch starts the thread. [`Shared::stop`] wakes it; it
//! ends, and then everything is closed.
//!
//! *Who wakes the lookout.* Besides `stop` and the scheduler only `grace.rs` for its first
//! deadline: everything else is done by the thread that asks, because the kernel's list of watched
//! descriptors may be changed by any thread.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Poll, Registry, Token, Waker};

use super::slot::{Phase, Slot};
use super::spin::Spin;
use super::stream::Reader;
use super::{Shared, SocketId};
use crate::sync::facade::atomic::Ordering;
use crate::sync::{Lookout, Strategy};

/// So many sockets are looked at in a round. What they bring is handled before the next one: few
/// enough for the first of them not to wait, and for its data to be still in the core's cache.
const EVENTS_MAX: usize = 32;

/// A round that reads so much is handled by other workers, while the lookout goes on: to read and
/// to handle it one after the other would take longer than to wake somebody.
const HEAVY_BYTES: usize = 32 << 10;

/// The token of the waker: no socket has it, ids are positive.
const WAKE: Token = Token(0);

/// The kernel's list of watched descriptors, and who looks at it.
pub(super) struct Poller<S: Strategy> {
    handles: OnceLock<Handles>,
    lookout: Lookout<S::Parker>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Handles {
    registry: Registry,
    waker: Arc<Waker>,
    /// Only the lookout takes it.
    round: Mutex<Round>,
}

/// What the lookout works with.
struct Round {
    poll: Poll,
    events: Events,
    reader: Reader,
    spin: Spin,
}

impl Round {
    /// Waits for events for at most this long.
    fn poll(&mut self, timeout: Option<Duration>) {
        let Self { poll, events, .. } = self;
        // Interrupted, or a lack of memory that passes: the caller tries again.
        if poll.poll(events, timeout).is_err() {
            events.clear();
        }
    }

    /// Waits for events, at first without blocking if that is worth while.
    fn wait(&mut self, timeout: Option<Duration>) {
        let Self { poll, events, spin, .. } = self;
        let look = || poll.poll(events, Some(Duration::ZERO)).is_ok() && !events.is_empty();
        if !spin.spin(look) {
            self.poll(timeout);
        }
    }
}

impl Handles {
    fn round(&self) -> MutexGuard<'_, Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What readiness says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub(super) id: SocketId,
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// The peer writes no more, or both ends are gone.
    pub(super) read_closed: bool,
    /// Both directions are at their end.
    pub(super) hung_up: bool,
    pub(super) error: bool,
}

impl Ready {
    fn of(event: &Event) -> Self {
        Self {
            id: SocketId::new(event.token().0 as i32),
            readable: event.is_readable(),
            writable: event.is_writable(),
            read_closed: event.is_read_closed(),
            hung_up: event.is_read_closed() && event.is_write_closed(),
            error: event.is_error(),
        }
    }
}

impl<S: Strategy> Poller<S> {
    pub(super) fn new() -> Self {
        Self { handles: OnceLock::new(), lookout: Lookout::new(), thread: Mutex::new(None) }
    }

    /// Returns the list of watched descriptors; the first call starts the thread.
    pub(super) fn registry(&self, shared: &Shared<S>) -> io::Result<&Registry> {
        match self.handles.get() {
            Some(handles) => Ok(&handles.registry),
            None => self.start(shared),
        }
    }

    #[cold]
    fn start(&self, shared: &Shared<S>) -> io::Result<&Registry> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handles) = self.handles.get() {
            return Ok(&handles.registry);
        }
        let handles = Handles::new(shared.settings.spin)?;
        let waker = Arc::clone(&handles.waker);
        // It fails only when the lookout is being woken already.
        shared.home.set_alarm(Box::new(move || drop(waker.wake())));
        let own = shared.own.upgrade().ok_or_else(|| io::Error::other("the node has ended"))?;
        let builder = Builder::new().name("net".to_owned());
        let handles = self.handles.get_or_init(|| handles);
        *thread = Some(builder.spawn(move || abort_on_panic(|| own.stand_by()))?);
        Ok(&handles.registry)
    }

    /// Makes the lookout look at its deadlines, or at its end.
    pub(super) fn wake(&self) {
        if let Some(handles) = self.handles.get() {
            // As above.
            let _ = handles.waker.wake();
        }
    }

    /// See [`super::Net::claim`].
    pub(super) fn claim(&self) -> bool {
        self.handles.get().is_some() && self.lookout.claim()
    }

    /// See [`super::Net::release`].
    pub(super) fn release(&self) {
        self.lookout.release();
    }
}

impl Handles {
    fn new(spin: Duration) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Arc::new(Waker::new(&registry, WAKE)?);
        let events = Events::with_capacity(EVENTS_MAX);
        let round = Round { poll, events, reader: Reader::new(), spin: Spin::new(spin) };
        Ok(Self { registry, waker, round: Mutex::new(round) })
    }
}

/// There is no half-alive runtime: a panic in the thread ends the process.
fn abort_on_panic(run: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() {
        std::process::abort();
    }
}

impl<S: Strategy> Shared<S> {
    /// The thread `net`: is the lookout while nobody else wants to be.
    fn stand_by(self: Arc<Self>) {
        let round = || {
            if self.wait(true) {
                self.carry_out();
            }
        };
        // SeqCst: pairs with `stop`, which wakes the thread afterwards.
        self.poller.lookout.stand_in(round, || self.stopping.load(Ordering::SeqCst));
    }

    /// See [`super::Net::wait`].
    pub(super) fn wait(&self, block: bool) -> bool {
        let Some(handles) = self.poller.handles.get() else { return false };
        let round = &mut *handles.round();
        match block && round.reader.again.is_empty() {
            true => round.wait(self.next_deadline()),
            false => round.poll(Some(Duration::ZERO)),
        }
        !round.reader.again.is_empty()
            || round.events.iter().any(|event| event.token() != WAKE)
            || self.next_deadline().is_some_and(|left| left.is_zero())
    }

    /// See [`super::Net::carry_out`].
    pub(super) fn carry_out(&self) {
        let Some(handles) = self.poller.handles.get() else { return };
        let Round { events, reader, .. } = &mut *handles.round();
        (reader.now_cs, reader.bytes) = (self.home.now_cs(), 0);
        self.home.together(&mut || {
            let sockets = events.iter().filter(|event| event.token() != WAKE);
            sockets.for_each(|event| self.ready(reader, Ready::of(event)));
            reader.bytes >= HEAVY_BYTES
        });
        for ready in std::mem::take(&mut reader.again) {
            self.ready(reader, ready);
        }
        events.clear();
        self.close_overdue();
    }

    /// Does what readiness says. Reading comes before writing.
    fn ready(&self, reader: &mut Reader, ready: Ready) {
        let Some(slot) = self.table.find(ready.id) else { return };
        self.ready_head(reader, slot, ready);
        if ready.writable || ready.error {
            self.flush_queued(ready.id, slot);
        }
    }

    fn ready_head(&self, reader: &mut Reader, slot: &Slot<S>, ready: Ready) {
        let mut head = slot.head.lock();
        if head.id != ready.id.number() {
            return;
        }
        if head.phase == Phase::Connecting && !self.connected(slot, &mut head) {
            return;
        }
        if ready.readable || ready.read_closed || ready.error {
            if head.reading {
                self.incoming(reader, slot, &mut head, ready);
            } else {
                head.missed = true;
                if ready.readable && !ready.hung_up {
                    self.watch_writes(&mut head);
                }
            }
        }
        let reads_on = reader.again.last().is_some_and(|last| last.id == ready.id);
        if head.id == ready.id.number() && (ready.error || ready.hung_up) && !reads_on {
            self.broken(slot, &mut head, ready);
        }
    }

    /// See [`super::Net::stop`].
    pub(super) fn stop(&self) {
        // SeqCst: pairs with the loop of `run`; the wake makes that look happen.
        if self.stopping.swap(true, Ordering::SeqCst) {
            return;
        }
        self.poller.wake();
        self.poller.lookout.wake();
        let thread = self.poller.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic in it has ended the process.
            let _ = thread.join();
        }
        self.table.each(|slot| {
            let mut head = slot.head.lock();
            if head.id != 0 {
                self.destroy(slot, &mut head);
            }
        });
    }
}
