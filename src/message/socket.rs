//! The payload of a socket message (kind 6), as services see it. Spec: network section 2.
//!
//! `net` makes these payloads, `skynet.socketdriver` and native services read them. The layout is
//! C's on a 64-bit machine: three 32-bit numbers, a gap, a pointer, then the text.
//!
//! The pointer owns a block of the C heap, which whoever handles the message frees. So the runtime
//! lets no socket message go unhandled without [`discard`]. Only messages of nobody are trusted:
//! a service can write what it likes into a payload, but not send it in the name of nobody.

use std::ptr;

use super::{Address, Kind, Message, Payload, Session};

/// Bytes before the text.
pub const HEAD_BYTES: usize = 24;
/// The longest text; longer ones are cut.
pub const TEXT_BYTES_MAX: usize = 128;

/// What happened to a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum Event {
    /// Bytes came in; `ud` is their number.
    Data = 1,
    /// The socket is connected, started or bound; the text says which or where to.
    Connect = 2,
    /// It is closed, by the peer or by this node.
    Close = 3,
    /// A listener has a new connection: `ud` is its id, the text its peer.
    Accept = 4,
    /// Something failed; the text says what.
    Error = 5,
    /// A packet came in; the sender's address follows its `ud` bytes.
    Udp = 6,
    /// So many KiB wait to be sent; 0: all is sent.
    Warning = 7,
}

/// A socket message as it stands in a payload.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The number of the [`Event`].
    pub event: i32,
    /// The socket.
    pub id: i32,
    /// A number that depends on the event.
    pub ud: i32,
    /// The bytes of DATA and UDP, null in other events. Not ours to free.
    pub buffer: *mut u8,
    /// The text of CONNECT, ACCEPT and ERROR.
    pub text: &'a [u8],
}

/// Makes a message whose payload is `data` (DATA, UDP) or nothing (CLOSE, WARNING).
pub fn message(event: Event, id: i32, ud: i32, data: Payload) -> Message {
    let (buffer, _) = data.into_raw();
    wrap(Payload::copy_of(&head(event, id, ud, buffer)))
}

/// Makes a message with a text.
pub fn text_message(event: Event, id: i32, ud: i32, text: &str) -> Message {
    let mut bytes = [0; HEAD_BYTES + TEXT_BYTES_MAX];
    let text = &text.as_bytes()[..text.len().min(TEXT_BYTES_MAX)];
    bytes[..HEAD_BYTES].copy_from_slice(&head(event, id, ud, ptr::null_mut()));
    bytes[HEAD_BYTES..HEAD_BYTES + text.len()].copy_from_slice(text);
    wrap(Payload::copy_of(&bytes[..HEAD_BYTES + text.len()]))
}

fn head(event: Event, id: i32, ud: i32, buffer: *mut u8) -> [u8; HEAD_BYTES] {
    let mut bytes = [0; HEAD_BYTES];
    bytes[0..4].copy_from_slice(&(event as i32).to_ne_bytes());
    bytes[4..8].copy_from_slice(&id.to_ne_bytes());
    bytes[8..12].copy_from_slice(&ud.to_ne_bytes());
    bytes[16..24].copy_from_slice(&(buffer.expose_provenance() as u64).to_ne_bytes());
    bytes
}

fn wrap(payload: Payload) -> Message {
    Message { source: Address::NOBODY, session: Session::NONE, kind: Kind::SOCKET, payload }
}

impl Record<'_> {
    /// Reads a payload; `None` when it is too short for a socket message.
    pub fn read(bytes: &[u8]) -> Option<Record<'_>> {
        let (head, text) = bytes.split_at_checked(HEAD_BYTES)?;
        let number =
            |at: usize| i32::from_ne_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let mut address = [0; 8];
        address.copy_from_slice(&head[16..24]);
        let buffer = ptr::with_exposed_provenance_mut(u64::from_ne_bytes(address) as usize);
        Some(Record { event: number(0), id: number(4), ud: number(8), buffer, text })
    }
}

/// A socket message that somebody handles: what it says, and what it owned.
#[derive(Debug)]
pub struct Opened {
    payload: Payload,
    /// The bytes of DATA, empty in other events.
    pub data: Payload,
}

impl Opened {
    /// Takes a message over; `None` when it is no socket message of the runtime.
    pub fn new(message: Message) -> Option<Self> {
        if message.kind != Kind::SOCKET || message.source != Address::NOBODY {
            return None;
        }
        let record = Record::read(message.payload.as_bytes())?;
        let len = if record.event == Event::Data as i32 { record.ud.max(0) as usize } else { 0 };
        // SAFETY: only the runtime sends in the name of nobody, so the payload is one of
        // `message` above, and its block has not been taken over: the message is moved in here.
        let data = unsafe { Payload::from_raw(record.buffer, len) };
        Some(Self { payload: message.payload, data })
    }

    /// Returns what the message says.
    pub fn record(&self) -> Record<'_> {
        Record::read(self.payload.as_bytes()).expect("it was read before")
    }
}

/// Frees what a message holds that nobody will handle.
pub fn discard(message: Message) {
    drop(Opened::new(message));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_what_was_put_into_the_message() {
        let sent = message(Event::Data, 7, 3, Payload::from("abc"));
        let record = Record::read(sent.payload.as_bytes()).unwrap();
        assert_eq!((record.event, record.id, record.ud, record.text), (1, 7, 3, &b""[..]));
        // SAFETY: the block of the payload above, with three bytes.
        let data = unsafe { Payload::from_raw(record.buffer, 3) };
        assert_eq!(data.as_bytes(), b"abc");
    }

    #[test]
    fn texts_are_cut_and_short_payloads_refused() {
        let sent = text_message(Event::Error, 1, 0, &"x".repeat(500));
        let record = Record::read(sent.payload.as_bytes()).unwrap();
        assert_eq!((record.event, record.text.len(), record.buffer.is_null()), (5, 128, true));
        assert!(Record::read(&[0; HEAD_BYTES - 1]).is_none());
    }

    #[test]
    fn discarding_frees_the_block_and_trusts_no_service() {
        discard(message(Event::Data, 1, 3, Payload::from("abc")));
        let mut forged = message(Event::Close, 1, 0, Payload::EMPTY);
        forged.source = Address::new(8);
        forged.payload = Payload::copy_of(&[0xff; HEAD_BYTES]);
        discard(forged);
    }
}
