//! Frames out of the bytes of a connection, which arrive in pieces of any size.

use super::{Label, TRAILER};

/// The bytes of a connection that are not handled yet.
///
/// Invariant: `read <= bytes.len()`; what stands before `read` has been handled.
#[derive(Debug, Default)]
pub struct Stream {
    bytes: Vec<u8>,
    read: usize,
}

/// The length of a frame is above 24 bits, or does not even hold a trailer: what follows cannot be
/// understood, and the connection has to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {0} bytes")]
pub struct Oversized(pub u32);

impl Stream {
    /// Adds what has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.read > 0 {
            self.bytes.drain(..self.read);
            self.read = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the next whole frame.
    ///
    /// # Errors
    /// When its length cannot be right.
    pub fn next_frame(&mut self) -> Result<Option<(Label, &[u8])>, Oversized> {
        let Some((len, rest)) = self.bytes[self.read..].split_first_chunk() else {
            return Ok(None);
        };
        let len = u32::from_be_bytes(*len);
        if len >> 24 != 0 || (len as usize) < TRAILER {
            return Err(Oversized(len));
        }
        let Some(frame) = rest.get(..len as usize) else { return Ok(None) };
        self.read += 4 + frame.len();
        Ok(Label::split(frame))
    }

    /// Returns how many bytes wait for the rest of their frame.
    pub fn pending(&self) -> usize {
        self.bytes.len() - self.read
    }
}
