//! The poll thread: waits for readiness and does what it says, one socket after the other.
//!
//! Events are edge-triggered: each is reported once, so whatever is reported is read until nothing
//! is left, or noted in `missed` when nobody wants to hear of it. A socket that has very much to
//! read is put aside for the sockets behind it (`again`).
//!
//! *Start and end.* The first descriptor to watch starts the thread. [`Shared::stop`] wakes it; it
//! ends, and then everything is closed.
//!
//! *Who wakes it.* Only `stop`, and `grace.rs` for its first deadline: everything else is done by
//! the thread that asks, because the kernel's list of watched descriptors may be changed by any
//! thread.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{Builder, JoinHandle};

use mio::event::Event;
use mio::{Events, Poll, Registry, Token, Waker};

use super::slot::{Phase, Slot};
use super::stream::Reader;
use super::{Shared, SocketId};
use crate::sync::Strategy;
use crate::sync::facade::atomic::Ordering;

/// So many sockets are looked at before the kernel is asked again.
const EVENTS_MAX: usize = 256;

/// For so many sockets workers are woken together: enough not to be interrupted all the time, few
/// enough for the first of them not to wait.
const TOGETHER: usize = 16;

/// The token of the waker: no socket has it, ids are positive.
const WAKE: Token = Token(0);

/// What other threads use of the poll thread.
pub(super) struct Poller {
    handles: OnceLock<Handles>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Handles {
    registry: Registry,
    waker: Waker,
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

impl Poller {
    pub(super) fn new() -> Self {
        Self { handles: OnceLock::new(), thread: Mutex::new(None) }
    }

    /// Returns the list of watched descriptors; the first call starts the thread.
    pub(super) fn registry<S: Strategy>(&self, shared: &Shared<S>) -> io::Result<&Registry> {
        match self.handles.get() {
            Some(handles) => Ok(&handles.registry),
            None => self.start(shared),
        }
    }

    #[cold]
    fn start<S: Strategy>(&self, shared: &Shared<S>) -> io::Result<&Registry> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handles) = self.handles.get() {
            return Ok(&handles.registry);
        }
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, WAKE)?;
        let own = shared.own.upgrade().ok_or_else(|| io::Error::other("the node has ended"))?;
        let builder = Builder::new().name("net".to_owned());
        *thread = Some(builder.spawn(move || abort_on_panic(|| own.run(poll)))?);
        Ok(&self.handles.get_or_init(|| Handles { registry, waker }).registry)
    }

    /// Makes the thread look at its deadlines, or at its end.
    pub(super) fn wake(&self) {
        if let Some(handles) = self.handles.get() {
            // It fails only when the thread is being woken already.
            let _ = handles.waker.wake();
        }
    }
}

/// There is no half-alive runtime: a panic in the poll thread ends the process.
fn abort_on_panic(run: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() {
        std::process::abort();
    }
}

impl<S: Strategy> Shared<S> {
    fn run(self: Arc<Self>, mut poll: Poll) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut reader = Reader::new();
        // SeqCst: pairs with `stop`, which wakes the thread afterwards.
        while !self.stopping.load(Ordering::SeqCst) {
            let timeout = match reader.again.is_empty() {
                true => self.next_deadline(),
                false => Some(std::time::Duration::ZERO),
            };
            // Interrupted, or a lack of memory that passes: the loop tries again.
            if poll.poll(&mut events, timeout).is_err() {
                continue;
            }
            reader.now_cs = self.home.now_cs();
            let mut events = events.iter().filter(|event| event.token() != WAKE);
            while let Some(first) = events.next() {
                self.home.together(&mut || {
                    for event in std::iter::once(first).chain(events.by_ref().take(TOGETHER - 1)) {
                        self.ready(&mut reader, Ready::of(event));
                    }
                });
            }
            for ready in std::mem::take(&mut reader.again) {
                self.ready(&mut reader, ready);
            }
            self.close_overdue();
        }
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
