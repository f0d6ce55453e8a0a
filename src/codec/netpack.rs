//! Packets behind their length, as gates read them from a stream: 2 or 4 bytes, big-endian, which
//! do not count themselves. Spec: network-gate sections 1.4 and 2.
//!
//! Callers are the Lua module `skynet.netpack` and the native service `gate`. A [`Splitter`] is the
//! unfinished rest of one connection. It holds what has arrived and nothing more: a peer that
//! promises a long packet makes nobody allocate it.

use std::mem;

/// How long the length in front of a packet is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Head {
    /// 2 bytes: packets up to 65,535 bytes.
    Short,
    /// 4 bytes.
    Long,
}

/// A peer announced a packet that is longer than it may be. Nothing behind it can be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a packet of {0} bytes is announced")]
pub struct TooLong(pub usize);

impl Head {
    /// Returns its size in bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Head::Short => 2,
            Head::Long => 4,
        }
    }

    /// Returns the length that stands at the beginning of `bytes`, if all of it is there.
    pub fn read(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Head::Short => bytes.first_chunk().map(|head| u16::from_be_bytes(*head).into()),
            Head::Long => bytes.first_chunk().map(|head| u32::from_be_bytes(*head) as usize),
        }
    }
}

/// Returns the two bytes in front of a packet, or nothing for a packet that is too long for them.
pub fn short_head(len: usize) -> Option<[u8; 2]> {
    u16::try_from(len).ok().map(u16::to_be_bytes)
}

/// The packet of one connection that has not arrived whole: its head and what there is behind.
#[derive(Default, Debug)]
pub struct Splitter {
    unfinished: Vec<u8>,
}

impl Splitter {
    /// Makes a splitter at the border of two packets.
    pub const fn new() -> Self {
        Self { unfinished: Vec::new() }
    }

    /// Tells whether the last packet has arrived whole.
    pub fn is_at_border(&self) -> bool {
        self.unfinished.is_empty()
    }

    /// Reads the next bytes of the stream and calls `packet` for each that they complete, in order.
    ///
    /// # Errors
    /// When a packet is announced that is longer than `bytes_max`. The stream is of no use then.
    pub fn feed(
        &mut self,
        head: Head,
        bytes_max: usize,
        mut input: &[u8],
        mut packet: impl FnMut(&[u8]),
    ) -> Result<(), TooLong> {
        while !input.is_empty() {
            if self.unfinished.is_empty() {
                input = whole_packets(head, bytes_max, input, &mut packet)?;
                self.unfinished.extend_from_slice(input);
                return Ok(());
            }
            input = self.go_on(head, bytes_max, input, &mut packet)?;
        }
        Ok(())
    }

    /// Adds to the unfinished packet what it lacks; returns the input behind.
    fn go_on<'a>(
        &mut self,
        head: Head,
        bytes_max: usize,
        input: &'a [u8],
        packet: &mut impl FnMut(&[u8]),
    ) -> Result<&'a [u8], TooLong> {
        let input = self.take(head.bytes(), input);
        let Some(len) = checked_len(head, bytes_max, &self.unfinished)? else { return Ok(input) };
        let whole = head.bytes() + len;
        let input = self.take(whole, input);
        if self.unfinished.len() == whole {
            let unfinished = mem::take(&mut self.unfinished);
            packet(&unfinished[head.bytes()..]);
        }
        Ok(input)
    }

    /// Takes input until `len` bytes are there; returns the rest.
    fn take<'a>(&mut self, len: usize, input: &'a [u8]) -> &'a [u8] {
        let missing = len.saturating_sub(self.unfinished.len());
        let (taken, rest) = input.split_at(missing.min(input.len()));
        self.unfinished.extend_from_slice(taken);
        rest
    }
}

/// Calls `packet` for the packets that stand whole in the input; returns what is behind them.
fn whole_packets<'a>(
    head: Head,
    bytes_max: usize,
    mut input: &'a [u8],
    packet: &mut impl FnMut(&[u8]),
) -> Result<&'a [u8], TooLong> {
    while let Some(len) = checked_len(head, bytes_max, input)? {
        let Some(body) = input.get(head.bytes()..head.bytes() + len) else { break };
        packet(body);
        input = &input[head.bytes() + len..];
    }
    Ok(input)
}

fn checked_len(head: Head, bytes_max: usize, bytes: &[u8]) -> Result<Option<usize>, TooLong> {
    match head.read(bytes) {
        Some(len) if len > bytes_max => Err(TooLong(len)),
        len => Ok(len),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stream(head: Head, packets: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for packet in packets {
            let len = (packet.len() as u32).to_be_bytes();
            bytes.extend_from_slice(&len[4 - head.bytes()..]);
            bytes.extend_from_slice(packet);
        }
        bytes
    }

    fn packets_of(
        head: Head,
        max: usize,
        pieces: &[&[u8]],
    ) -> (Vec<Vec<u8>>, Result<(), TooLong>, Splitter) {
        let (mut packets, mut splitter) = (Vec::new(), Splitter::new());
        for piece in pieces {
            let fed = splitter.feed(head, max, piece, |packet| packets.push(packet.to_vec()));
            if fed.is_err() {
                return (packets, fed, splitter);
            }
        }
        (packets, Ok(()), splitter)
    }

    #[test]
    fn empty_packets_are_packets() {
        let (packets, _, splitter) = packets_of(Head::Short, 9, &[&[0, 0, 0], &[0, 0, 1], b"a"]);
        assert_eq!(packets, [b"".to_vec(), b"".to_vec(), b"a".to_vec()]);
        assert!(splitter.is_at_border());
    }

    #[test]
    fn a_long_packet_costs_what_has_arrived_of_it() {
        let (packets, fed, splitter) = packets_of(Head::Long, 1 << 31, &[&[127, 0, 0, 0], b"abc"]);
        assert!(packets.is_empty() && fed.is_ok() && !splitter.is_at_border());
        assert!(splitter.unfinished.capacity() < 100);
    }

    #[test]
    fn too_long_is_refused_wherever_the_head_is_cut() {
        for cut in 0..4 {
            let input = [&[0, 0, 0, 1, b'a'][..], &[0, 1, 0, 0, 0]].concat();
            let (front, back) = input.split_at(5 + cut);
            let (packets, fed, _) = packets_of(Head::Long, 0xffff, &[front, back]);
            assert_eq!((packets.len(), fed), (1, Err(TooLong(0x10000))), "{cut}");
        }
        let largest = [&[0, 0, 255, 255][..], &[7; 0xffff]].concat();
        let (packets, fed, _) = packets_of(Head::Long, 0xffff, &[&largest]);
        assert_eq!((packets[0].len(), fed), (0xffff, Ok(())));
    }

    #[test]
    fn heads_for_writing() {
        assert_eq!(short_head(0x1234), Some([0x12, 0x34]));
        assert_eq!(short_head(0xffff), Some([255, 255]));
        assert_eq!(short_head(0x10000), None);
    }

    proptest! {
        #[test]
        fn packets_come_out_as_they_went_in_however_the_stream_is_cut(
            is_long: bool,
            packets: Vec<Vec<u8>>,
            step in 1usize..9,
        ) {
            let head = if is_long { Head::Long } else { Head::Short };
            let bytes = stream(head, &packets);
            let pieces: Vec<&[u8]> = bytes.chunks(step).collect();
            let (got, fed, splitter) = packets_of(head, usize::MAX, &pieces);
            prop_assert_eq!(got, packets);
            prop_assert!(fed.is_ok() && splitter.is_at_border());
        }
    }
}
