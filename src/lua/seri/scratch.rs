//! The buffer that a thread packs into.
//!
//! A message is written here first and copied once into a block of its exact size. The buffer is
//! taken out of the thread for the time of one pack, so a pack that starts inside another one
//! (in a `__pairs` function, or in a finalizer) finds none and makes its own.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

use crate::codec::seri::Encoder;

/// A larger buffer is given back to the allocator: one huge message must not hold its memory on
/// every worker for good.
const SPARE_BYTES_MAX: usize = 1 << 20;

thread_local! {
    static SPARE: Cell<Encoder> = const { Cell::new(Encoder::new()) };
}

/// An empty encoder, on loan from the thread.
pub(super) struct Scratch(Encoder);

impl Scratch {
    pub(super) fn take() -> Scratch {
        Scratch(SPARE.try_with(Cell::take).unwrap_or_default())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.0.capacity() <= SPARE_BYTES_MAX {
            let mut encoder = std::mem::take(&mut self.0);
            encoder.clear();
            // A thread that ends has no place for it any more; then it is freed.
            let _ = SPARE.try_with(|spare| spare.set(encoder));
        }
    }
}

impl Deref for Scratch {
    type Target = Encoder;

    fn deref(&self) -> &Encoder {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut Encoder {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_buffer_is_not_kept() {
        Scratch::take().string(&vec![0; 2 * SPARE_BYTES_MAX]).unwrap();
        assert_eq!(Scratch::take().capacity(), 0);
        Scratch::take().string(b"small").unwrap();
        let kept = Scratch::take();
        assert!(kept.capacity() > 0 && kept.as_bytes().is_empty());
        assert_eq!(Scratch::take().capacity(), 0, "one buffer is lent once");
    }
}
