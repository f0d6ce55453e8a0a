//! Sockets that are kept for a while: the peer has finished and the owner does not close, or the
//! owner has closed and the peer does not read what waits. When nothing is written any more for
//! the time that the settings say, the runtime closes them.
//!
//! All of them wait equally long, so a queue in the order of arrival is in the order of deadlines.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::slot::{Head, Phase, Slot};
use super::{Shared, SocketId};
use crate::sync::Strategy;
use crate::sync::facade::atomic::Ordering;

/// A socket, until when it is kept, and how much was written to it by then.
struct Kept {
    until: Instant,
    id: SocketId,
    written: u64,
}

pub(super) struct Grace(Mutex<VecDeque<Kept>>);

impl Grace {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Strategy> Shared<S> {
    /// Notes a socket that one end has finished with.
    pub(super) fn keep_for_a_while(&self, slot: &Slot<S>, head: &Head) {
        let Some(grace) = self.settings.grace else { return };
        let written = slot.figures.written.load(Ordering::Relaxed);
        let mut queue = self.grace.queue();
        let first = queue.is_empty();
        let until = Instant::now() + grace;
        queue.push_back(Kept { until, id: SocketId::new(head.id), written });
        drop(queue);
        if first {
            // The lookout may sleep without a limit.
            self.poller.wake();
        }
    }

    /// Returns how long the lookout may sleep.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let until = self.grace.queue().front()?.until;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// Closes what was kept long enough.
    pub(super) fn close_overdue(&self) {
        loop {
            let mut queue = self.grace.queue();
            let Some(first) = queue.front() else { return };
            if first.until > Instant::now() {
                return;
            }
            let Some(kept) = queue.pop_front() else { return };
            drop(queue);
            self.with(kept.id, |slot, head| self.close_if_idle(slot, head, kept.written));
        }
    }

    fn close_if_idle(&self, slot: &Slot<S>, head: &mut Head, written: u64) {
        if !head.closing && head.phase != Phase::HalfClosedRead {
            return;
        }
        if slot.figures.written.load(Ordering::Relaxed) != written {
            return self.keep_for_a_while(slot, head);
        }
        let why = match head.closing {
            true => "its peer does not read what was sent before the close",
            false => "its peer has finished and nobody closed it",
        };
        self.home.log(slot.owner(), &format!("socket {} is closed: {why}", head.id));
        self.tell_close(slot, head);
        self.destroy(slot, head);
    }
}
