//! The bytes of a message: one block of the C heap with one owner.
//!
//! Lua code sees payloads as a light userdata and a size, and C modules free them with `free`, so
//! the block comes from the C allocator (jemalloc in the default build: it then is `malloc`).
//!
//! Invariants:
//! 1. `start` is null, or a live block of `malloc` that this value owns alone.
//! 2. A block that this module allocates has one NUL byte after its `len` bytes, which is not
//!    counted: text payloads are C strings for whoever wants them.

use std::fmt;
use std::ptr;

/// Owned bytes in a block of the C heap.
pub struct Payload {
    start: *mut u8,
    len: usize,
}

// SAFETY: the block has one owner and no thread affinity (invariant 1).
unsafe impl Send for Payload {}
// SAFETY: shared access only reads.
unsafe impl Sync for Payload {}

impl Payload {
    /// No bytes, no block.
    pub const EMPTY: Payload = Payload { start: ptr::null_mut(), len: 0 };

    /// Copies bytes into a new block; empty bytes need none.
    ///
    /// # Panics
    /// When the C heap is exhausted.
    pub fn copy_of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::EMPTY;
        }
        // SAFETY: malloc has no precondition; the size cannot overflow, slices are at most
        // isize::MAX long.
        let start = unsafe { libc::malloc(bytes.len() + 1) }.cast::<u8>();
        assert!(!start.is_null(), "out of memory for a payload of {} bytes", bytes.len());
        // SAFETY: the block has len + 1 bytes and is new, so it does not overlap the source.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len());
            start.add(bytes.len()).write(0);
        }
        Self { start, len: bytes.len() }
    }

    /// Takes over a block.
    ///
    /// # Safety
    /// `start` is null, or a block of the C heap with at least `len` initialised bytes that nobody
    /// else uses or frees. A null block counts as empty whatever `len` says.
    pub unsafe fn from_raw(start: *mut u8, len: usize) -> Self {
        Self { start, len: if start.is_null() { 0 } else { len } }
    }

    /// Gives the block away: the caller frees it with `free`.
    pub fn into_raw(self) -> (*mut u8, usize) {
        let parts = (self.start, self.len);
        std::mem::forget(self);
        parts
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Tells whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the start of the block, null when there is none.
    pub fn as_ptr(&self) -> *mut u8 {
        self.start
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        if self.start.is_null() {
            return &[];
        }
        // SAFETY: invariant 1: the block is live and has len initialised bytes; nobody writes to
        // it while it is borrowed.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        // SAFETY: invariant 1: a block of malloc with no other owner, or null.
        unsafe { libc::free(self.start.cast()) }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len)
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        Self::copy_of(bytes)
    }
}

impl From<&str> for Payload {
    fn from(text: &str) -> Self {
        Self::copy_of(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_bytes_and_a_nul_behind_them() {
        let payload = Payload::from("abc");
        assert_eq!(payload.as_bytes(), b"abc");
        // SAFETY: invariant 2: one byte more than len is allocated and set.
        assert_eq!(unsafe { *payload.as_ptr().add(3) }, 0);
    }

    #[test]
    fn empty_bytes_need_no_block() {
        let payload = Payload::copy_of(b"");
        assert!(payload.is_empty() && payload.as_ptr().is_null());
        assert_eq!(payload.as_bytes(), b"");
    }

    #[test]
    fn a_block_survives_the_trip_through_raw_parts() {
        let (start, len) = Payload::from("xyz").into_raw();
        // SAFETY: the parts come from into_raw just above.
        let payload = unsafe { Payload::from_raw(start, len) };
        assert_eq!(payload.as_bytes(), b"xyz");
    }
}
