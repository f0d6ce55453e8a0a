//! What comes in on streams and listeners, and the end of connects. Runs on the poll thread.
//!
//! *Buffers.* One buffer serves all sockets. A small read is copied into a block of its exact
//! size; a large one takes the buffer along, and the next read makes a new one.

use std::io::{self, ErrorKind};

use super::buffer::{BUFFER_BYTES, Buffer};
use super::poll::Ready;
use super::slot::{Head, Phase, Reserved, Slot, Watched};
use super::unsent::Gate;
use super::{Shared, address, sys};
use crate::message::socket::Event;
use crate::sync::Strategy;

/// After so many reads, accepts or packets in a row, other sockets come first.
const TURNS_MAX: usize = 16;

/// What the poll thread reads with.
pub(super) struct Reader {
    pub(super) buffer: Buffer,
    /// Sockets that have more to read.
    pub(super) again: Vec<Ready>,
    /// The time of this round.
    pub(super) now_cs: u64,
    /// How much this round has read from streams.
    pub(super) bytes: usize,
    reserve: sys::Reserve,
}

impl Reader {
    pub(super) fn new() -> Self {
        let reserve = sys::Reserve::new();
        Self { buffer: Buffer::new(), again: Vec::new(), now_cs: 0, bytes: 0, reserve }
    }
}

impl<S: Strategy> Shared<S> {
    /// Takes what has come in on a socket whose owner wants to hear of it.
    pub(super) fn incoming(
        &self,
        reader: &mut Reader,
        slot: &Slot<S>,
        head: &mut Head,
        ready: Ready,
    ) {
        match head.phase {
            Phase::Listening => self.accept(reader, slot, head, ready),
            Phase::Connected if head.packets => self.receive(reader, slot, head, ready),
            Phase::Connected | Phase::HalfClosedWrite | Phase::Bound => {
                self.read(reader, slot, head, ready);
            }
            _ => {}
        }
    }

    fn read(&self, reader: &mut Reader, slot: &Slot<S>, head: &mut Head, ready: Ready) {
        let mut failed = false;
        for _ in 0..TURNS_MAX {
            match sys::read(head.fd, reader.buffer.as_mut_slice()) {
                Ok(0) => return self.end_of_input(slot, head),
                Ok(count) => {
                    slot.figures.count_read(count as u64, reader.now_cs);
                    reader.bytes += count;
                    let data = reader.buffer.take(count);
                    self.tell(slot, Event::Data, (head.id, count as i32), data);
                    // A short read has emptied the socket; what comes later is a new event. The
                    // end of the input comes with no further one if it has been reported already.
                    if count < BUFFER_BYTES && !ready.read_closed && !ready.error {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => {
                    if std::mem::replace(&mut failed, true) {
                        return;
                    }
                    self.tell_text(slot, Event::Error, (head.id, 0), &sys::error_text(&error));
                }
            }
        }
        reader.again.push(ready);
    }

    /// The peer has finished.
    fn end_of_input(&self, slot: &Slot<S>, head: &mut Head) {
        head.reading = false;
        self.tell_close(slot, head);
        if head.phase == Phase::HalfClosedWrite {
            return self.destroy(slot, head);
        }
        head.phase = Phase::HalfClosedRead;
        self.keep_for_a_while(slot, head);
    }

    /// Both directions are at their end, or an error waits that no read has taken.
    pub(super) fn broken(&self, slot: &Slot<S>, head: &mut Head, ready: Ready) {
        if matches!(head.phase, Phase::Listening | Phase::ListenPending) {
            return;
        }
        if !head.closing
            && let Some(error) = sys::pending_error(head.fd)
        {
            self.tell_text(slot, Event::Error, (head.id, 0), &sys::error_text(&error));
        }
        if ready.hung_up && !head.packets {
            self.tell_close(slot, head);
            self.destroy(slot, head);
        }
    }

    /// Looks how a connect went. Returns whether the socket is connected.
    pub(super) fn connected(&self, slot: &Slot<S>, head: &mut Head) -> bool {
        if let Some(error) = sys::pending_error(head.fd) {
            self.next_candidate(slot, head, error);
            return false;
        }
        let peer = match sys::peer(head.fd) {
            Ok(peer) => peer,
            Err(error) if error.kind() == ErrorKind::NotConnected => return false,
            Err(error) => {
                self.next_candidate(slot, head, error);
                return false;
            }
        };
        head.phase = Phase::Connected;
        head.candidates = Vec::new();
        {
            // Before CONNECT: whoever has heard of it finds the gate open.
            let mut unsent = slot.unsent.lock();
            if unsent.gate == Gate::Wait {
                unsent.gate = Gate::Open;
            }
        }
        if !head.closing {
            let peer = peer.map_or_else(String::new, |peer| peer.ip().to_string());
            self.tell_text(slot, Event::Connect, (head.id, 0), &peer);
        }
        true
    }

    fn next_candidate(&self, slot: &Slot<S>, head: &mut Head, error: io::Error) {
        // SAFETY: the descriptor belongs to the slot, and `unsent` does not write before the
        // socket is connected.
        unsafe { sys::close(head.fd) };
        (head.fd, head.watched, head.phase) = (-1, Watched::Nothing, Phase::Reserved);
        if head.closing {
            return self.destroy(slot, head);
        }
        self.dial_next(slot, head, Some(error));
    }

    fn accept(&self, reader: &mut Reader, slot: &Slot<S>, head: &mut Head, ready: Ready) {
        let mut told = false;
        for _ in 0..TURNS_MAX {
            match sys::accept(head.fd) {
                Ok((fd, peer)) => self.accepted(slot, head, sys::into_raw(fd), peer, reader),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if sys::is_exhausted(&error) => {
                    if !reader.reserve.refuse_one(head.fd) {
                        return;
                    }
                    if !std::mem::replace(&mut told, true) {
                        let text = sys::error_text(&error);
                        self.tell_text(slot, Event::Error, (head.id, 0), &text);
                    }
                }
                // The connection is gone before it was accepted, or the like.
                Err(_) => {}
            }
        }
        reader.again.push(ready);
    }

    fn accepted(
        &self,
        listener: &Slot<S>,
        head: &Head,
        fd: std::os::fd::RawFd,
        peer: Option<std::net::SocketAddr>,
        reader: &Reader,
    ) {
        let owner = listener.owner();
        let Some(Reserved { id, slot, head: mut new }) = self.table.reserve(owner) else {
            // SAFETY: nobody knows the descriptor.
            return unsafe { sys::close(fd) };
        };
        {
            (new.phase, new.fd) = (Phase::AcceptPending, fd);
            let mut unsent = slot.unsent.lock();
            (unsent.fd, unsent.gate) = (fd, Gate::Drop);
        }
        drop(new);
        listener.figures.count_read(1, reader.now_cs);
        let peer = peer.map_or_else(String::new, address::text);
        self.tell_text(listener, Event::Accept, (head.id, id.number()), &peer);
    }
}
