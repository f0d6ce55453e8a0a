//! Writing to streams. Spec: network section 1.8.

use std::io;

use super::slot::{Head, Phase, Slot};
use super::unsent::{Bytes, Flushed, Gate, Priority, Sent};
use super::{Net, Shared, SocketId, sys, turn};
use crate::message::Payload;
use crate::message::socket::Event;
use crate::sync::Strategy;
use crate::sync::facade::atomic::Ordering;

impl<S: Strategy> Net<S> {
    /// Sends bytes; `false` when the socket does not exist or is being closed. `true` does not
    /// mean that they arrive.
    pub fn send(&self, id: SocketId, bytes: Bytes<'_>, priority: Priority) -> bool {
        self.send_with(id, bytes, (priority, false))
    }

    /// As [`Net::send`], by somebody who will probably send more in this turn.
    pub fn send_more(&self, id: SocketId, bytes: Bytes<'_>, priority: Priority) -> bool {
        self.send_with(id, bytes, (priority, true))
    }

    fn send_with(&self, id: SocketId, bytes: Bytes<'_>, how: (Priority, bool)) -> bool {
        let shared = &self.shared;
        let Some(slot) = shared.table.find(id) else { return false };
        let len = bytes.as_bytes().len();
        let mut unsent = slot.unsent.lock();
        if unsent.id != id.number() {
            return false;
        }
        let limit = shared.settings.unsent_bytes_max;
        let sent = match unsent.packets {
            false => unsent.send(bytes, how, &slot.queued, limit),
            true => unsent.send_packet(bytes, (None, how.0), &slot.queued, limit),
        };
        if matches!(sent, Sent::Done) && matches!(unsent.gate, Gate::Open) {
            slot.figures.count_written(len as u64, shared.home.now_cs());
        }
        drop(unsent);
        shared.after_send(id, slot, sent)
    }
}

impl<S: Strategy> Shared<S> {
    /// Does what a send has come to, without the lock `unsent`.
    pub(super) fn after_send(&self, id: SocketId, slot: &Slot<S>, sent: Sent) -> bool {
        match sent {
            Sent::Done | Sent::Queued(None) => return true,
            Sent::Deferred => turn::wait_for_end(id),
            Sent::Refused => return false,
            Sent::Queued(Some(kib)) => {
                self.tell(slot, Event::Warning, (id.number(), kib as i32), Payload::EMPTY);
                return true;
            }
            Sent::ToListener => {
                let line = format!("socket-server error: write to listen fd {}.", id.number());
                self.home.log(slot.owner(), &line);
            }
            Sent::Failed(error) => {
                self.with(id, |slot, head| self.write_failed(slot, head, &error));
            }
            Sent::TooMuch(bytes) => return self.too_much(id, bytes),
            Sent::NoDestination => return self.no_destination(id, slot),
            Sent::Lost(error) => self.packet_lost(id, slot, &error),
        }
        true
    }

    /// Closes a socket whose peer does not read what is sent to it.
    #[cold]
    fn too_much(&self, id: SocketId, bytes: usize) -> bool {
        self.with(id, |slot, head| {
            let (number, limit) = (id.number(), self.settings.unsent_bytes_max);
            let line = format!(
                "error: socket {number} is closed: {bytes} bytes would wait to be sent, \
                 socket_unsent_max is {limit}"
            );
            self.home.log(slot.owner(), &line);
            self.tell_close(slot, head);
            self.destroy(slot, head);
        });
        false
    }

    /// A write has failed: the socket ends if its other half has, else that half goes on.
    pub(super) fn write_failed(&self, slot: &Slot<S>, head: &mut Head, error: &io::Error) {
        match head.phase {
            _ if head.closing => self.destroy(slot, head),
            Phase::HalfClosedRead => self.destroy(slot, head),
            Phase::Connected | Phase::Bound => {
                head.phase = Phase::HalfClosedWrite;
                self.tell_text(slot, Event::Error, (head.id, 0), &sys::error_text(error));
            }
            _ => {}
        }
    }

    /// Goes on writing. Called by the lookout when the kernel has room.
    pub(super) fn flush(&self, id: SocketId, slot: &Slot<S>) {
        let mut unsent = slot.unsent.lock();
        if unsent.id != id.number() {
            return;
        }
        let mut written = 0;
        let flushed = match unsent.packets {
            false => unsent.flush(&slot.queued, &mut written),
            true => unsent.flush_packets(&slot.queued, &mut written, |error| {
                self.packet_lost(id, slot, &error);
            }),
        };
        if written > 0 {
            slot.figures.count_written(written, self.home.now_cs());
        }
        let draining = unsent.gate == Gate::Drain;
        drop(unsent);
        match flushed {
            Flushed::Blocked => {}
            Flushed::Empty(_) if draining => {
                self.with(id, |slot, head| {
                    if head.closing {
                        self.destroy(slot, head)
                    }
                });
            }
            Flushed::Empty(true) => {
                self.tell(slot, Event::Warning, (id.number(), 0), Payload::EMPTY);
            }
            Flushed::Empty(false) => {}
            Flushed::Failed(error) => {
                self.with(id, |slot, head| self.write_failed(slot, head, &error));
            }
        }
    }

    /// As [`Self::flush`], if something waits.
    pub(super) fn flush_queued(&self, id: SocketId, slot: &Slot<S>) {
        // SeqCst: pairs with the swap in `Unsent::write`, see there.
        if slot.queued.load(Ordering::SeqCst) {
            self.flush(id, slot);
        }
    }
}
