//! The bytes of a message: one block of the C heap, with one owner or shared.
//!
//! Lua code sees payloads as a light userdata and a size, and C modules free them with `free`, so
//! the block comes from the C allocator (jemalloc in the default build: it then is `malloc`). A
//! message to many receivers has a shared block, which is counted and read only.
//!
//! Invariants:
//! 1. Without the bit [`SHARED`] in `size`, `start` is null or a live block of `malloc` that this
//!    value owns alone.
//! 2. With it, `start` points behind the [`Header`] of a live block of `malloc`, and this value is
//!    one of the owners that the header counts.
//! 3. A block that this module allocates has one NUL byte after its bytes, which is not counted:
//!    text payloads are C strings for whoever wants them.

use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// Marks a shared block. No block is as long as this.
const SHARED: usize = 1 << (usize::BITS - 1);

/// What stands before the bytes of a shared block; aligned as `malloc` aligns.
#[repr(align(16))]
struct Header {
    owners: AtomicUsize,
}

/// Bytes in a block of the C heap.
pub struct Payload {
    start: *mut u8,
    /// The number of bytes, with [`SHARED`].
    size: usize,
}

// SAFETY: a block has no thread affinity; a shared one is only read, and its count is atomic.
unsafe impl Send for Payload {}
// SAFETY: shared access only reads.
unsafe impl Sync for Payload {}

impl Payload {
    /// No bytes, no block.
    pub const EMPTY: Payload = Payload { start: ptr::null_mut(), size: 0 };

    /// Copies bytes into a new block; empty bytes need none.
    ///
    /// # Panics
    /// When the C heap is exhausted.
    pub fn copy_of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::EMPTY;
        }
        Self { start: block_with(bytes, 0), size: bytes.len() }
    }

    /// Copies bytes into a block that the clones of the payload share; empty bytes need none.
    ///
    /// # Panics
    /// When the C heap is exhausted.
    pub fn shared_copy_of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::EMPTY;
        }
        let block = block_with(bytes, size_of::<Header>());
        // SAFETY: the block is new, aligned by malloc, and begins with room for a header.
        unsafe {
            block.cast::<Header>().write(Header { owners: AtomicUsize::new(1) });
            Self { start: block.add(size_of::<Header>()), size: bytes.len() | SHARED }
        }
    }

    /// Says whether other payloads may have the same block.
    pub fn is_shared(&self) -> bool {
        self.size & SHARED != 0
    }

    fn header(&self) -> *mut Header {
        // SAFETY: invariant 2; only called for shared blocks.
        unsafe { self.start.sub(size_of::<Header>()).cast() }
    }

    /// Takes over a block.
    ///
    /// # Safety
    /// `start` is null, or a block of the C heap with at least `len` initialised bytes that nobody
    /// else uses or frees. A null block counts as empty whatever `len` says.
    pub unsafe fn from_raw(start: *mut u8, len: usize) -> Self {
        Self { start, size: if start.is_null() { 0 } else { len } }
    }

    /// Gives the block away, or a copy of a shared one: the caller frees it with `free`.
    pub fn into_raw(self) -> (*mut u8, usize) {
        if self.is_shared() {
            return Self::copy_of(self.as_bytes()).into_raw();
        }
        let parts = (self.start, self.size);
        std::mem::forget(self);
        parts
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        self.size & !SHARED
    }

    /// Tells whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
        // SAFETY: invariants 1 and 2: the block is live and has len initialised bytes; nobody
        // writes to it while it is borrowed.
        unsafe { std::slice::from_raw_parts(self.start, self.len()) }
    }

    /// Leaves a shared block; the last owner frees it.
    #[cold]
    fn leave(&mut self) {
        let header = self.header();
        // SAFETY: invariant 2: the header is live while this owner is counted.
        // Release: pairs with the Acquire fence, so that the last owner frees after all have read.
        if unsafe { (*header).owners.fetch_sub(1, Ordering::Release) } == 1 {
            fence(Ordering::Acquire);
            // SAFETY: invariant 2: the header begins the block, and nobody else has it.
            unsafe { libc::free(header.cast()) }
        }
    }
}

/// Allocates `before` bytes, these bytes, and a NUL. The first ones are not initialised.
fn block_with(bytes: &[u8], before: usize) -> *mut u8 {
    // SAFETY: malloc has no precondition; the size cannot overflow, slices are at most isize::MAX
    // long.
    let block = unsafe { libc::malloc(before + bytes.len() + 1) }.cast::<u8>();
    assert!(!block.is_null(), "out of memory for a payload of {} bytes", bytes.len());
    // SAFETY: the block has before + len + 1 bytes and is new, so it does not overlap the source.
    unsafe {
        let start = block.add(before);
        ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len());
        start.add(bytes.len()).write(0);
    }
    block
}

/// A clone has the same block if it is shared, else a copy.
impl Clone for Payload {
    fn clone(&self) -> Self {
        if !self.is_shared() {
            return Self::copy_of(self.as_bytes());
        }
        // SAFETY: invariant 2: the header is live while this owner is counted.
        // Relaxed: the new owner gets the block from this one.
        unsafe { (*self.header()).owners.fetch_add(1, Ordering::Relaxed) };
        Self { start: self.start, size: self.size }
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        if self.is_shared() {
            return self.leave();
        }
        // SAFETY: invariant 1: a block of malloc with no other owner, or null.
        unsafe { libc::free(self.start.cast()) }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len())
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

    #[test]
    fn clones_of_a_shared_payload_have_one_block_that_outlives_each_of_them() {
        let first = Payload::shared_copy_of(b"abc");
        let start = first.as_ptr();
        let others: Vec<_> = (0..3).map(|_| first.clone()).collect();
        drop(first);
        let threads = others.into_iter().map(|other| {
            let address = other.as_ptr() as usize;
            assert_eq!(address, start as usize);
            std::thread::spawn(move || assert_eq!(other.as_bytes(), b"abc"))
        });
        for thread in threads.collect::<Vec<_>>() {
            thread.join().unwrap();
        }
        assert!(!Payload::shared_copy_of(b"").is_shared());
    }

    #[test]
    fn what_is_given_away_is_nobody_elses() {
        let shared = Payload::shared_copy_of(b"abc");
        let (start, len) = shared.clone().into_raw();
        assert_ne!(start, shared.as_ptr());
        // SAFETY: the parts come from into_raw just above.
        let own = unsafe { Payload::from_raw(start, len) };
        assert!(!own.is_shared() && own.clone().as_ptr() != own.as_ptr());
        assert_eq!((own.as_bytes(), shared.as_bytes()), (&b"abc"[..], &b"abc"[..]));
    }
}
