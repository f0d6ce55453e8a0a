//! The packets of a cluster link: requests one way, responses the other. Spec: cluster section C.2.
//!
//! A packet is a big-endian `u16` length and that many bytes; the numbers inside are little-endian.
//! A body that does not fit one packet goes as a *begin* with the total size and parts of at most
//! [`PART`] bytes. Encoders give the [`Head`] of a packet, which the body or part follows, so that
//! nobody copies bodies here.
//!
//! Used by the module `skynet.cluster.core`.

pub mod handshake;
mod request;
mod response;

pub use request::{Name, Request, RequestError, Target};
pub use response::Response;

/// The largest part of a message, in bytes.
pub const PART: usize = 0x8000;

/// Length, type, length of a name, the longest name, session, total size.
const HEAD_MAX: usize = 2 + 1 + 1 + Name::BYTES_MAX + 4 + 4;

/// The bytes of a packet before its body.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    bytes: [u8; HEAD_MAX],
    len: usize,
}

impl Head {
    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Begins with room for the length.
    fn new() -> Self {
        Self { bytes: [0; HEAD_MAX], len: 2 }
    }

    fn push(mut self, bytes: &[u8]) -> Self {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
        self
    }

    /// Writes the length of the packet, now that the length of its body is known.
    ///
    /// # Panics
    /// When the body is longer than [`PART`]: the callers split bodies.
    fn before(mut self, body: usize) -> Self {
        assert!(body <= PART, "a body of {body} bytes does not fit a packet");
        let len = (self.len - 2 + body) as u16;
        self.bytes[..2].copy_from_slice(&len.to_be_bytes());
        self
    }
}

/// Splits the first four bytes off, as a number.
fn split_number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests;
