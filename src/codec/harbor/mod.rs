//! The frames between the harbor services of two nodes. Spec: cluster section H.4.
//!
//! A frame is a big-endian `u32` length, the payload of a message, and a trailer of three
//! big-endian `u32`: source, destination with the kind in its high byte, session. The length counts
//! payload and trailer. Used by the native harbor service.

mod stream;

pub use stream::{Oversized, Stream};

/// The bytes behind the payload.
const TRAILER: usize = 12;

/// The longest payload of a frame, in bytes: the length has 24 bits.
pub const PAYLOAD_MAX: usize = 0x00ff_ffff - TRAILER;

/// Where the kind stands in the destination.
const KIND_SHIFT: u32 = 24;

/// What a frame says of its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// The address of the sender, with the number of its node.
    pub source: u32,
    /// The low 24 bits of the address of the receiver; its node is the one that gets the frame.
    pub destination: u32,
    /// The kind of the message.
    pub kind: u8,
    /// Its session.
    pub session: u32,
}

impl Label {
    /// Writes a frame; `None` when the payload is longer than [`PAYLOAD_MAX`].
    pub fn frame(&self, payload: &[u8]) -> Option<Vec<u8>> {
        if payload.len() > PAYLOAD_MAX {
            return None;
        }
        let len = payload.len() + TRAILER;
        let mut frame = Vec::with_capacity(4 + len);
        frame.extend_from_slice(&(len as u32).to_be_bytes());
        frame.extend_from_slice(payload);
        let low = self.destination & ((1 << KIND_SHIFT) - 1);
        let to = u32::from(self.kind) << KIND_SHIFT | low;
        for number in [self.source, to, self.session] {
            frame.extend_from_slice(&number.to_be_bytes());
        }
        Some(frame)
    }

    /// Splits a frame without its length; `None` when it is shorter than a trailer.
    fn split(frame: &[u8]) -> Option<(Self, &[u8])> {
        let (payload, trailer) = frame.split_last_chunk::<TRAILER>()?;
        let number = |at: usize| {
            u32::from_be_bytes([trailer[at], trailer[at + 1], trailer[at + 2], trailer[at + 3]])
        };
        let to = number(4);
        let label = Self {
            source: number(0),
            destination: to & ((1 << KIND_SHIFT) - 1),
            kind: (to >> KIND_SHIFT) as u8,
            session: number(8),
        };
        Some((label, payload))
    }
}

#[cfg(test)]
mod tests;
