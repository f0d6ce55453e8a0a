//! Bytes of a gate's connection: packets come out the same whatever pieces the bytes arrive in.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs`. The first byte says how long a head
//! is and the size of the pieces, the second the longest packet.

use ironsky::codec::netpack::{Head, Splitter, TooLong};

/// Splits the bytes in pieces and at once; panics where the packets differ.
pub(crate) fn run(bytes: &[u8]) {
    let [how, longest, bytes @ ..] = bytes else { return };
    let head = if how % 2 == 0 { Head::Short } else { Head::Long };
    let bytes_max = usize::from(*longest) * 4;
    let whole = split(head, bytes_max, bytes, bytes.len().max(1));
    assert_eq!(split(head, bytes_max, bytes, usize::from(how / 2).max(1)), whole);
    assert_eq!(whole, plainly(head, bytes_max, bytes));
}

/// The packets, and what ended the stream.
type Found = (Vec<Vec<u8>>, Option<TooLong>);

fn split(head: Head, bytes_max: usize, bytes: &[u8], piece: usize) -> Found {
    let mut splitter = Splitter::new();
    let mut packets = Vec::new();
    for piece in bytes.chunks(piece) {
        let fed = splitter.feed(head, bytes_max, piece, |packet| packets.push(packet.to_vec()));
        if let Err(error) = fed {
            return (packets, Some(error));
        }
    }
    (packets, None)
}

/// The same without a splitter.
fn plainly(head: Head, bytes_max: usize, mut bytes: &[u8]) -> Found {
    let mut packets = Vec::new();
    while let Some(len) = head.read(bytes) {
        if len > bytes_max {
            return (packets, Some(TooLong(len)));
        }
        let Some(packet) = bytes[head.bytes()..].get(..len) else { break };
        packets.push(packet.to_vec());
        bytes = &bytes[head.bytes() + len..];
    }
    (packets, None)
}
