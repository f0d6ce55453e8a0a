//! What the lookout reads into: one block for all sockets.
//!
//! A small read is copied into a block of its exact size. A large one takes the block along, cut to
//! its size, and the next read gets a new one: so nothing large is copied.
//!
//! Invariant: `start` is null or a block of the C heap of [`BUFFER_BYTES`] initialised bytes.

use std::ptr;

use crate::message::Payload;

/// The most bytes that one read takes, and that one event delivers.
pub(super) const BUFFER_BYTES: usize = 128 << 10;
/// A read of so many bytes is not copied.
const HANDED_OVER_BYTES: usize = 32 << 10;

pub(super) struct Buffer {
    start: *mut u8,
}

// SAFETY: a block of the heap has no thread affinity, and this value owns it alone.
unsafe impl Send for Buffer {}

impl Buffer {
    pub(super) const fn new() -> Self {
        Self { start: ptr::null_mut() }
    }

    /// Returns all of the block.
    ///
    /// # Panics
    /// When the C heap is exhausted.
    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        if self.start.is_null() {
            // SAFETY: calloc has no precondition.
            self.start = unsafe { libc::calloc(1, BUFFER_BYTES) }.cast();
            assert!(!self.start.is_null(), "out of memory for a buffer");
        }
        // SAFETY: the invariant.
        unsafe { std::slice::from_raw_parts_mut(self.start, BUFFER_BYTES) }
    }

    /// Returns the first bytes as a payload.
    pub(super) fn take(&mut self, count: usize) -> Payload {
        if count < HANDED_OVER_BYTES {
            return Payload::copy_of(&self.as_mut_slice()[..count]);
        }
        let start = std::mem::replace(&mut self.start, ptr::null_mut());
        // SAFETY: the invariant, and `count` is not larger: it comes from a read into the block.
        // A block that cannot be made smaller stays as it is.
        unsafe {
            let smaller = libc::realloc(start.cast(), count.max(1)).cast::<u8>();
            Payload::from_raw(if smaller.is_null() { start } else { smaller }, count)
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: the invariant.
        unsafe { libc::free(self.start.cast()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_reads_leave_the_block_and_large_ones_take_it() {
        let mut buffer = Buffer::new();
        buffer.as_mut_slice()[..3].copy_from_slice(b"abc");
        let block = buffer.as_mut_slice().as_ptr();
        assert_eq!(buffer.take(3).as_bytes(), b"abc");
        assert_eq!(buffer.as_mut_slice().as_ptr(), block);
        let large = buffer.take(BUFFER_BYTES);
        assert_eq!((large.len(), &large.as_bytes()[..3]), (BUFFER_BYTES, &b"abc"[..]));
        assert_eq!(buffer.as_mut_slice()[0], 0);
    }
}
