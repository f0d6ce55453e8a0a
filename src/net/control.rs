//! start, pause, close, shutdown, options, and the end of a socket. Spec: network 1.6 and 1.9.

use std::io;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Token};

use super::slot::{Head, Phase, Slot, Watched};
use super::unsent::{Gate, Unsent};
use super::{Net, Shared, SocketId, sys};
use crate::message::socket::{self, Event};
use crate::message::{Address, Payload};
use crate::sync::Strategy;

impl<S: Strategy> Net<S> {
    /// Lets the service `by` hear what comes in; an accepted connection, a listener or a connected
    /// socket becomes its own.
    pub fn start(&self, by: Address, id: SocketId) {
        let shared = &self.shared;
        let slot = shared.table.find(id);
        let Some((slot, mut head)) = slot.map(|slot| (slot, slot.head.lock())) else {
            return shared.send_text(by, Event::Error, (id.number(), 0), "invalid socket");
        };
        if head.id != id.number() {
            return shared.send_text(by, Event::Error, (id.number(), 0), "invalid socket");
        }
        let (next, text) = match head.phase {
            Phase::HalfClosedRead => {
                return shared.send_text(by, Event::Error, (id.number(), 0), "socket closed");
            }
            _ if head.closing => {
                return shared.send_text(by, Event::Error, (id.number(), 0), "socket closed");
            }
            Phase::AcceptPending => (Phase::Connected, "start"),
            Phase::ListenPending => (Phase::Listening, "start"),
            Phase::Connected => (Phase::Connected, "transfer"),
            other => (other, ""),
        };
        if head.phase == Phase::AcceptPending {
            slot.unsent.lock().gate = Gate::Open;
        }
        head.phase = next;
        if !text.is_empty() {
            slot.set_owner(by);
            shared.send_text(by, Event::Connect, (id.number(), 0), text);
        }
        if shared.resume(&mut head).is_err() {
            shared.send_text(by, Event::Error, (id.number(), 0), "enable read failed");
        }
    }

    /// Stops the events of what comes in, until [`Net::start`].
    pub fn pause(&self, id: SocketId) {
        self.shared.with(id, |_, head| head.reading = false);
    }

    /// Sends small pieces at once on this connection.
    pub fn nodelay(&self, id: SocketId) {
        self.shared.with(id, |_, head| {
            if head.fd >= 0 && !head.packets {
                // A foreign descriptor that is no TCP socket has no such option.
                let _ = sys::socket_of(head.fd, |socket| socket.set_tcp_nodelay(true));
            }
        });
    }

    /// Lets a connection fail with ERROR whose other machine has been silent for so long.
    pub fn limit_silence(&self, id: SocketId, limit: Duration) {
        self.shared.with(id, |_, head| {
            if head.fd >= 0 && !head.packets {
                // A foreign descriptor that is no TCP socket has no such option.
                let _ = sys::limit_silence(head.fd, limit);
            }
        });
    }

    /// Closes a socket when everything is written. CLOSE goes to the owner at once, unless the
    /// peer's end was reported before.
    pub fn close(&self, id: SocketId) {
        self.shared.with(id, |slot, head| self.shared.close(slot, head));
    }

    /// Closes a socket at once; what waits is lost. CLOSE as for [`Net::close`].
    pub fn shutdown(&self, id: SocketId) {
        self.shared.with(id, |slot, head| {
            self.shared.tell_close(slot, head);
            write_deferred(slot, &mut slot.unsent.lock());
            self.shared.destroy(slot, head);
        });
    }
}

/// Writes what waits for the end of a turn. That it fails is no news for a socket that ends.
fn write_deferred<S: Strategy>(slot: &Slot<S>, unsent: &mut Unsent) {
    if unsent.deferred {
        unsent.flush(&slot.queued, &mut 0);
    }
}

impl<S: Strategy> Shared<S> {
    /// Calls `act` with a socket that exists, under its lock `head`.
    pub(super) fn with(&self, id: SocketId, act: impl FnOnce(&Slot<S>, &mut Head)) {
        let Some(slot) = self.table.find(id) else { return };
        let mut head = slot.head.lock();
        if head.id == id.number() {
            act(slot, &mut head);
        }
    }

    fn close(&self, slot: &Slot<S>, head: &mut Head) {
        self.tell_close(slot, head);
        if head.closing {
            return;
        }
        let mut unsent = slot.unsent.lock();
        write_deferred(slot, &mut unsent);
        if unsent.is_empty() || matches!(head.phase, Phase::HalfClosedWrite | Phase::Reserved) {
            drop(unsent);
            return self.destroy(slot, head);
        }
        unsent.gate = Gate::Drain;
        drop(unsent);
        (head.closing, head.reading) = (true, false);
        self.keep_for_a_while(slot, head);
    }

    /// Watches a descriptor from now on; what is there already is reported as well.
    pub(super) fn watch(&self, head: &mut Head) -> io::Result<()> {
        if head.watched == Watched::All {
            return Ok(());
        }
        let registry = self.poller.registry(self)?;
        let mut source = SourceFd(&head.fd);
        let (token, interest) = (Token(head.id as usize), Interest::READABLE | Interest::WRITABLE);
        match head.watched {
            Watched::Nothing => registry.register(&mut source, token, interest)?,
            _ => registry.reregister(&mut source, token, interest)?,
        }
        head.watched = Watched::All;
        Ok(())
    }

    /// Watches for room to write and hang-ups only, so that a paused socket wakes nobody.
    pub(super) fn watch_writes(&self, head: &mut Head) {
        let Ok(registry) = self.poller.registry(self) else { return };
        let token = Token(head.id as usize);
        let interest = Interest::WRITABLE;
        if registry.reregister(&mut SourceFd(&head.fd), token, interest).is_ok() {
            head.watched = Watched::Writes;
        }
    }

    /// Hears again what comes in, and what came in meanwhile.
    fn resume(&self, head: &mut Head) -> io::Result<()> {
        head.reading = true;
        if std::mem::take(&mut head.missed) && head.watched == Watched::All {
            // Registering once more reports what is there.
            head.watched = Watched::Writes;
        }
        match head.phase {
            Phase::Reserved => Ok(()),
            _ => self.watch(head),
        }
    }

    /// Frees the slot and closes the descriptor. No event.
    pub(super) fn destroy(&self, slot: &Slot<S>, head: &mut Head) {
        slot.unsent.lock().reset(0, &slot.queued);
        if head.fd >= 0 {
            if head.foreign {
                if head.watched != Watched::Nothing
                    && let Ok(registry) = self.poller.registry(self)
                {
                    // If it is closed already, it is not watched any more.
                    let _ = registry.deregister(&mut SourceFd(&head.fd));
                }
            } else {
                // SAFETY: the descriptor belongs to the slot; both halves forget it here, and
                // nobody uses it without one of the locks. Closing ends the watching too.
                unsafe { sys::close(head.fd) };
            }
        }
        head.reset(0, Phase::Free);
    }

    /// Sends CLOSE to the owner, once.
    pub(super) fn tell_close(&self, slot: &Slot<S>, head: &mut Head) {
        if !std::mem::replace(&mut head.told, true) {
            self.tell(slot, Event::Close, (head.id, 0), Payload::EMPTY);
        }
    }

    /// Sends an event with data to the owner.
    pub(super) fn tell(&self, slot: &Slot<S>, event: Event, (id, ud): (i32, i32), data: Payload) {
        self.send(slot.owner(), socket::message(event, id, ud, data));
    }

    /// Sends an event with a text to the owner.
    pub(super) fn tell_text(&self, slot: &Slot<S>, event: Event, ids: (i32, i32), text: &str) {
        self.send_text(slot.owner(), event, ids, text);
    }

    pub(super) fn send_text(&self, to: Address, event: Event, (id, ud): (i32, i32), text: &str) {
        self.send(to, socket::text_message(event, id, ud, text));
    }

    fn send(&self, to: Address, message: crate::message::Message) {
        if let Err(message) = self.home.deliver(to, message) {
            socket::discard(message);
        }
    }
}
