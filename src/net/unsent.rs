//! What a socket has not sent yet: a remainder, two lists of pieces, and the rules of their order.
//!
//! Guarded by the lock `Unsent` of its slot: workers append and write here, and the lookout
//! goes on when the kernel has room again.
//!
//! *Order.* What was written in part comes first (the *remainder*), then the high list, then the
//! low one. A piece of the low list that was written in part moves to the front of the high one.
//! So the bytes of one call are never mixed with those of another.
//!
//! *Nothing is forgotten.* Whoever leaves something here after the kernel had no room sets `queued`
//! and then tries once more: if there is still no room, the event that says so comes later than
//! `queued`, and the lookout, which looks at `queued` at each such event, sees it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::os::fd::RawFd;

use super::{sys, turn};
use crate::message::Payload;
use crate::sync::facade::atomic::{AtomicBool, Ordering};

/// The first warning comes at this many bytes. Spec: network section 1.8.
const WARNING_BYTES: usize = 1 << 20;

/// So many pieces are written with one system call.
const PIECES_MAX: usize = 64;

/// So many bytes do not wait for the end of a turn.
const DEFERRED_BYTES: usize = 16 << 10;

/// What becomes of bytes that somebody sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gate {
    /// There is no such socket.
    Shut,
    /// It is not connected yet: they wait.
    Wait,
    /// They are written.
    Open,
    /// They are dropped: nobody would ever read them.
    Drop,
    /// They are dropped, and the log says that a listener takes none.
    Listener,
    /// Closing was asked for: what is here is still written, but nothing is added.
    Drain,
}

/// Bytes that somebody sends.
pub enum Bytes<'a> {
    /// They live as long as the call.
    Borrowed(&'a [u8]),
    /// They are given away.
    Owned(Payload),
}

impl Bytes<'_> {
    /// Returns them.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Bytes::Borrowed(bytes) => bytes,
            Bytes::Owned(payload) => payload.as_bytes(),
        }
    }

    /// Keeps what was not written.
    fn keep(self, written: usize) -> Piece {
        match self {
            Bytes::Borrowed(bytes) => {
                Piece { data: Payload::copy_of(&bytes[written..]), start: 0, to: None }
            }
            Bytes::Owned(data) => Piece { data, start: written, to: None },
        }
    }
}

/// How urgent bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Priority {
    /// Before everything that is low.
    High,
    /// After everything that is high.
    Low,
}

/// What one call has sent and the kernel has not taken.
struct Piece {
    data: Payload,
    /// So many bytes are written.
    start: usize,
    /// Where a packet goes.
    to: Option<SocketAddr>,
}

impl Piece {
    fn rest(&self) -> &[u8] {
        self.data.as_bytes().get(self.start..).unwrap_or_default()
    }
}

/// What a call of [`Unsent::send`] came to.
#[derive(Debug)]
pub(super) enum Sent {
    /// The kernel has it, or it was dropped as the gate says.
    Done,
    /// It waits for the end of the turn, as the first of perhaps several.
    Deferred,
    /// It waits. The owner hears a warning of so many KiB if there is a number.
    Queued(Option<usize>),
    /// The socket refuses.
    Refused,
    /// The gate says that this is a listener.
    ToListener,
    /// Writing failed; the gate drops everything from now on.
    Failed(io::Error),
    /// More than the limit would wait; nothing was added.
    TooMuch(usize),
    /// A packet without an address, on a socket without a default destination.
    NoDestination,
    /// The kernel refuses the packet.
    Lost(io::Error),
}

/// What [`Unsent::flush`] came to.
#[derive(Debug)]
pub(super) enum Flushed {
    /// The kernel has no room for the rest.
    Blocked,
    /// Nothing is left. The flag: the owner had been warned.
    Empty(bool),
    /// Writing failed; the gate drops everything from now on.
    Failed(io::Error),
}

/// See the top of this file.
pub(super) struct Unsent {
    /// The socket; 0 when the slot is free.
    pub(super) id: i32,
    pub(super) fd: RawFd,
    pub(super) gate: Gate,
    /// The descriptor is not a socket of ours.
    pub(super) foreign: bool,
    /// A UDP socket.
    pub(super) packets: bool,
    /// Of the newer family.
    pub(super) ipv6: bool,
    /// Where packets without an address go.
    pub(super) destination: Option<SocketAddr>,
    remainder: Option<Piece>,
    high: VecDeque<Piece>,
    low: VecDeque<Piece>,
    /// Bytes in the two lists.
    listed: usize,
    /// The next warning comes at so many.
    warn_at: usize,
    /// The turn in which was written last; see `turn.rs`.
    turn: u64,
    /// What is in the lists waits for the end of a turn, not for the kernel.
    pub(super) deferred: bool,
}

impl Unsent {
    pub(super) const fn new() -> Self {
        Self {
            id: 0,
            fd: -1,
            gate: Gate::Shut,
            foreign: false,
            packets: false,
            ipv6: false,
            destination: None,
            remainder: None,
            high: VecDeque::new(),
            low: VecDeque::new(),
            listed: 0,
            warn_at: 0,
            turn: 0,
            deferred: false,
        }
    }

    /// Makes the slot's part ready for a new socket, or for none (id 0).
    pub(super) fn reset(&mut self, id: i32, queued: &AtomicBool) {
        *self = Self { id, ..Self::new() };
        // Release: pairs with the look of the lookout; what it finds then is empty.
        queued.store(false, Ordering::Release);
    }

    /// Tells whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.remainder.is_none() && self.high.is_empty() && self.low.is_empty()
    }

    /// Returns how many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.listed + self.remainder.as_ref().map_or(0, |piece| piece.rest().len())
    }

    /// Sends bytes on a stream. `more`: there will be more in this turn.
    pub(super) fn send(
        &mut self,
        bytes: Bytes<'_>,
        (priority, more): (Priority, bool),
        queued: &AtomicBool,
        limit: usize,
    ) -> Sent {
        match self.gate {
            Gate::Shut => Sent::Refused,
            Gate::Drain if priority == Priority::High => Sent::Refused,
            Gate::Drain | Gate::Drop => Sent::Done,
            Gate::Listener => Sent::ToListener,
            Gate::Open if self.is_empty() => self.write_or_defer(bytes, (priority, more), queued),
            Gate::Open if self.deferred => self.defer_more(bytes, priority, queued),
            Gate::Open | Gate::Wait => self.append(bytes, priority, queued, limit),
        }
    }

    /// Writes at once, or leaves what is small for the end of a turn in which was written before.
    fn write_or_defer(
        &mut self,
        bytes: Bytes<'_>,
        (priority, more): (Priority, bool),
        queued: &AtomicBool,
    ) -> Sent {
        let (turn, len) = (turn::current(), bytes.as_bytes().len());
        let wrote_before = std::mem::replace(&mut self.turn, turn) == turn;
        let may_wait = turn != 0 && turn::is_short(turn) && (1..DEFERRED_BYTES).contains(&len);
        if !(may_wait && (wrote_before || more)) {
            return self.write(bytes, queued);
        }
        self.deferred = true;
        self.list(bytes.keep(0), priority);
        Sent::Deferred
    }

    /// Adds to what waits for the end of a turn, unless that becomes too much.
    fn defer_more(&mut self, bytes: Bytes<'_>, priority: Priority, queued: &AtomicBool) -> Sent {
        if bytes.as_bytes().is_empty() {
            return Sent::Done;
        }
        self.list(bytes.keep(0), priority);
        if self.listed < DEFERRED_BYTES && turn::is_short(self.turn) {
            return Sent::Queued(None);
        }
        let mut written = 0;
        match self.flush(queued, &mut written) {
            Flushed::Failed(error) => Sent::Failed(error),
            Flushed::Blocked => Sent::Queued(self.warning()),
            Flushed::Empty(_) => Sent::Queued(None),
        }
    }

    /// Writes at once what can be written.
    fn write(&mut self, bytes: Bytes<'_>, queued: &AtomicBool) -> Sent {
        let all = bytes.as_bytes();
        let mut written = 0;
        loop {
            match sys::write(self.fd, &all[written..], self.foreign) {
                Ok(count) if written + count >= all.len() => {
                    return self.all_written(queued);
                }
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // SeqCst: pairs with the look of the lookout. See the top of the file.
                    if queued.swap(true, Ordering::SeqCst) {
                        break;
                    }
                }
                Err(error) => {
                    queued.store(false, Ordering::Release);
                    self.gate = Gate::Drop;
                    return Sent::Failed(error);
                }
            }
        }
        self.remainder = Some(bytes.keep(written));
        Sent::Queued(None)
    }

    fn all_written(&self, queued: &AtomicBool) -> Sent {
        // The second try has found room after all.
        if queued.load(Ordering::Relaxed) {
            queued.store(false, Ordering::Release);
        }
        Sent::Done
    }

    fn append(
        &mut self,
        bytes: Bytes<'_>,
        priority: Priority,
        queued: &AtomicBool,
        limit: usize,
    ) -> Sent {
        let len = bytes.as_bytes().len();
        if len == 0 {
            return Sent::Done;
        }
        if self.bytes().saturating_add(len) > limit {
            return Sent::TooMuch(self.bytes() + len);
        }
        self.list(bytes.keep(0), priority);
        // SeqCst: as in `write`. Only a socket that waits for its connection gets here with
        // nothing queued, and its lists are looked at when it has one.
        queued.store(true, Ordering::SeqCst);
        Sent::Queued(self.warning())
    }

    fn list(&mut self, piece: Piece, priority: Priority) {
        self.listed += piece.rest().len();
        match priority {
            Priority::High => self.high.push_back(piece),
            Priority::Low => self.low.push_back(piece),
        }
    }

    /// Returns how many KiB wait if it is time for a warning.
    fn warning(&mut self) -> Option<usize> {
        if self.listed < WARNING_BYTES || self.listed < self.warn_at {
            return None;
        }
        self.warn_at = if self.warn_at == 0 { 2 * WARNING_BYTES } else { 2 * self.warn_at };
        Some(self.listed.div_ceil(1024))
    }

    /// Writes what waits, as far as the kernel has room.
    pub(super) fn flush(&mut self, queued: &AtomicBool, written: &mut u64) -> Flushed {
        if matches!(self.gate, Gate::Wait | Gate::Shut) {
            return Flushed::Blocked;
        }
        self.deferred = false;
        while !self.is_empty() {
            match self.write_pieces() {
                Ok(count) => {
                    *written += count as u64;
                    self.take_off(count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // SeqCst: as in `write`.
                    if queued.swap(true, Ordering::SeqCst) {
                        return Flushed::Blocked;
                    }
                }
                Err(error) => {
                    self.drop_all(queued);
                    if self.gate == Gate::Open {
                        self.gate = Gate::Drop;
                    }
                    return Flushed::Failed(error);
                }
            }
        }
        queued.store(false, Ordering::Release);
        Flushed::Empty(std::mem::take(&mut self.warn_at) > 0)
    }

    /// Forgets everything that waits.
    pub(super) fn drop_all(&mut self, queued: &AtomicBool) {
        self.remainder = None;
        self.high.clear();
        self.low.clear();
        self.listed = 0;
        queued.store(false, Ordering::Release);
    }

    fn write_pieces(&self) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); PIECES_MAX];
        let pieces = self.remainder.iter().chain(&self.high).chain(&self.low);
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(pieces) {
            *slice = IoSlice::new(piece.rest());
            count += 1;
        }
        match &slices[..count] {
            [one] => sys::write(self.fd, one, self.foreign),
            many => sys::write_all_of(self.fd, many, self.foreign),
        }
    }

    /// Takes off what was written.
    fn take_off(&mut self, mut count: usize) {
        if let Some(piece) = &mut self.remainder {
            let len = piece.rest().len();
            if count < len {
                piece.start += count;
                return;
            }
            count -= len;
            self.remainder = None;
        }
        self.listed -= count;
        while count > 0
            && let Some(mut piece) = self.high.pop_front().or_else(|| self.low.pop_front())
        {
            let len = piece.rest().len();
            if count < len {
                piece.start += count;
                self.high.push_front(piece);
                return;
            }
            count -= len;
        }
    }

    /// Sends a packet, to the default destination if none is given.
    pub(super) fn send_packet(
        &mut self,
        bytes: Bytes<'_>,
        (to, priority): (Option<SocketAddr>, Priority),
        queued: &AtomicBool,
        limit: usize,
    ) -> Sent {
        if matches!(self.gate, Gate::Shut | Gate::Drain) {
            return Sent::Refused;
        }
        let Some(to) = to.or(self.destination) else { return Sent::NoDestination };
        if !self.is_empty() {
            return self.list_packet(bytes, (to, priority), limit);
        }
        loop {
            match sys::send_to(self.fd, bytes.as_bytes(), to) {
                Ok(_) => return self.all_written(queued),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // SeqCst: as in `write`.
                    if queued.swap(true, Ordering::SeqCst) {
                        return self.list_packet(bytes, (to, priority), limit);
                    }
                }
                Err(error) => {
                    queued.store(false, Ordering::Release);
                    return Sent::Lost(error);
                }
            }
        }
    }

    fn list_packet(
        &mut self,
        bytes: Bytes<'_>,
        (to, priority): (SocketAddr, Priority),
        limit: usize,
    ) -> Sent {
        let len = bytes.as_bytes().len();
        if self.bytes().saturating_add(len) > limit {
            return Sent::TooMuch(self.bytes() + len);
        }
        self.list(Piece { to: Some(to), ..bytes.keep(0) }, priority);
        Sent::Queued(self.warning())
    }

    /// As [`Self::flush`], for packets. `lost` hears of packets that the kernel refuses.
    pub(super) fn flush_packets(
        &mut self,
        queued: &AtomicBool,
        written: &mut u64,
        mut lost: impl FnMut(io::Error),
    ) -> Flushed {
        while let Some(piece) = self.high.front().or_else(|| self.low.front()) {
            let bytes = piece.rest();
            match piece.to.map(|to| sys::send_to(self.fd, bytes, to)) {
                Some(Ok(count)) => *written += count as u64,
                Some(Err(error)) if error.kind() == ErrorKind::WouldBlock => {
                    return Flushed::Blocked;
                }
                Some(Err(error)) => lost(error),
                None => {}
            }
            self.listed -= bytes.len();
            let _ = self.high.pop_front().or_else(|| self.low.pop_front());
        }
        queued.store(false, Ordering::Release);
        Flushed::Empty(std::mem::take(&mut self.warn_at) > 0)
    }
}
