//! A stream of bytes that claims to be packets, read in pieces: the same packets come out however
//! it is cut, nothing is held that has not arrived, and what is too long is refused.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs` with random bytes.

use ironsky::codec::netpack::{Head, Splitter, TooLong};

type Packets = (Vec<Vec<u8>>, Result<(), TooLong>);

fn read(head: Head, max: usize, pieces: &mut dyn Iterator<Item = &[u8]>) -> Packets {
    let (mut packets, mut splitter) = (Vec::new(), Splitter::new());
    for piece in pieces {
        let fed = splitter.feed(head, max, piece, |packet| packets.push(packet.to_vec()));
        if fed.is_err() {
            return (packets, fed);
        }
    }
    (packets, Ok(()))
}

/// Reads the bytes whole and in pieces; panics where the two readings differ. The first two bytes
/// say how long the heads, the packets and the pieces are.
pub(crate) fn run(bytes: &[u8]) {
    let [how, step, stream @ ..] = bytes else { return };
    let head = if how & 1 == 0 { Head::Short } else { Head::Long };
    let max = usize::from(how >> 1);
    let whole = read(head, max, &mut std::iter::once(stream));
    let cut = read(head, max, &mut stream.chunks(usize::from(step % 9) + 1));
    assert_eq!(whole, cut);
    let held: usize = whole.0.iter().map(|packet| packet.len() + head.bytes()).sum();
    assert!(held <= stream.len(), "packets do not come from nowhere");
    assert!(whole.0.iter().all(|packet| packet.len() <= max));
}
