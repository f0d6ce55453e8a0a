//! A service with everything that belongs to it: address, mailbox, counters, and the service
//! object itself, which only the owner of the mailbox touches.

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Duration;

use super::{Mailbox, Service, Stats};
use crate::message::{Address, Message, SessionCounter};
use crate::sync::facade::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, Strategy, class};

/// Receives signals (`SIGNAL addr n`) on the thread that sends them, while the service may run.
pub trait Signals: Send + Sync {
    /// Handles signal `number`.
    fn signal(&self, number: i32);

    /// Tells what the service does right now, for the report of a message that takes too long.
    ///
    /// # Blocking
    /// Waits for the service's thread for at most `patience`.
    fn describe(&self, patience: Duration) -> Option<String> {
        let _ = patience;
        None
    }

    /// Returns how many bytes the service uses, if it counts them.
    fn memory(&self) -> u64 {
        0
    }

    /// Breaks the message that runs with an error, because it may run for `limit` only.
    fn interrupt(&self, limit: Duration) {
        let _ = limit;
    }
}

/// Sees every message before the service does (`LOGON`).
pub trait Recorder: Send {
    /// Notes a message that is about to be handled.
    fn record(&mut self, message: &Message);

    /// Notes that the recording was switched off (not called when the service ends).
    fn close(&mut self);
}

/// What only the owner of the mailbox touches.
#[derive(Default)]
pub struct Body {
    /// The service; `None` while it starts and after it has ended.
    pub service: Option<Box<dyn Service>>,
    /// Whether the service has ended: it is counted no more.
    pub finished: bool,
    /// Messages taken from the mailbox and not yet handled. Before the start: what the service is
    /// to handle before those of the mailbox.
    pub batch: VecDeque<Message>,
    /// The mailbox length above which the next overload report is due; 0 stands for the first
    /// threshold.
    pub overload_threshold: usize,
}

/// One service of the node.
pub struct ServiceCell<S: Strategy> {
    address: Address,
    /// Its queue.
    pub mailbox: Mailbox<S>,
    /// The service object. Never contended: the mailbox's owner alone locks it.
    pub body: Mutex<S, class::Body, Body>,
    /// Its counters.
    pub stats: Stats,
    /// Its sessions.
    pub sessions: SessionCounter,
    retired: AtomicBool,
    exempt: AtomicBool,
    leaving: AtomicBool,
    signals: OnceLock<Box<dyn Signals>>,
    recording: AtomicBool,
    recorder: Mutex<S, class::Recorder, Option<Box<dyn Recorder>>>,
}

impl<S: Strategy> ServiceCell<S> {
    /// Makes the cell of a service that is about to start.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            mailbox: Mailbox::new(),
            body: Mutex::<S, class::Body, _>::new(Body::default()),
            stats: Stats::default(),
            sessions: SessionCounter::default(),
            retired: AtomicBool::new(false),
            exempt: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            signals: OnceLock::new(),
            recording: AtomicBool::new(false),
            recorder: Mutex::<S, class::Recorder, _>::new(None),
        }
    }

    /// Returns the address.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Tells whether the service takes no more messages. Its turn ends after the current one.
    pub fn is_retired(&self) -> bool {
        // Relaxed: a hint that ends a turn early; the mailbox's `closed`, under its lock, decides.
        // Who retires a service sees it at once, by the lock of the registry.
        self.retired.load(Ordering::Relaxed)
    }

    /// Marks the service as retired; called under the lock of the registry.
    pub(super) fn set_retired(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// Asks the service to retire when nothing waits for it any more.
    pub fn set_leaving(&self) {
        // SeqCst: set before the mailbox is looked at; the owner gives the mailbox up before it
        // looks at the flag. One of the two sees the other.
        self.leaving.store(true, Ordering::SeqCst);
    }

    /// Tells whether the service is to retire when nothing waits for it.
    pub fn is_leaving(&self) -> bool {
        // SeqCst: pairs with `set_leaving`.
        self.leaving.load(Ordering::SeqCst)
    }

    /// Lets the node end although this service lives. Returns whether that is new.
    pub fn set_exempt(&self) -> bool {
        !self.exempt.swap(true, Ordering::Relaxed)
    }

    /// Tells whether the node may end although this service lives.
    pub fn is_exempt(&self) -> bool {
        self.exempt.load(Ordering::Relaxed)
    }

    /// Sets who receives signals; the first call counts.
    pub fn set_signals(&self, signals: Box<dyn Signals>) {
        // A second receiver has no use: a service starts once.
        let _ = self.signals.set(signals);
    }

    /// Passes a signal on, if the service takes signals.
    pub fn signal(&self, number: i32) {
        if let Some(signals) = self.signals.get() {
            signals.signal(number);
        }
    }

    /// Tells what the service does right now; see [`Signals::describe`].
    pub fn describe(&self, patience: Duration) -> Option<String> {
        self.signals.get()?.describe(patience)
    }

    /// Returns how many bytes the service uses; 0 when it does not count them.
    pub fn memory(&self) -> u64 {
        self.signals.get().map_or(0, |signals| signals.memory())
    }

    /// Breaks the message that runs, if the service can do that.
    pub fn interrupt(&self, limit: Duration) {
        if let Some(signals) = self.signals.get() {
            signals.interrupt(limit);
        }
    }

    /// Starts recording with what `open` makes, unless a recorder is there already.
    ///
    /// Returns whether the recorder was set.
    pub fn start_recording(&self, open: impl FnOnce() -> Option<Box<dyn Recorder>>) -> bool {
        let mut recorder = self.recorder.lock();
        if recorder.is_some() {
            return false;
        }
        *recorder = open();
        self.recording.store(recorder.is_some(), Ordering::Relaxed);
        recorder.is_some()
    }

    /// Stops recording and returns the recorder.
    pub fn stop_recording(&self) -> Option<Box<dyn Recorder>> {
        let mut recorder = self.recorder.lock();
        // Relaxed: a message that still sees `true` finds no recorder under the lock.
        self.recording.store(false, Ordering::Relaxed);
        recorder.take()
    }

    /// Shows a message to the recorder, if there is one.
    pub fn record(&self, message: &Message) {
        if self.recording.load(Ordering::Relaxed)
            && let Some(recorder) = self.recorder.lock().as_mut()
        {
            recorder.record(message);
        }
    }
}
