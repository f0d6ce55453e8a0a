//! A place for one shared value that its worker fills, and that the worker or the watcher empties.
//!
//! The scheduler keeps the mailbox that a worker runs next in it: filling and emptying are one
//! atomic swap each.
//!
//! Invariant: `value` is null or a pointer from `Arc::into_raw` whose count the slot owns. Whoever
//! swaps it out owns that count.

use std::ptr;
use std::sync::Arc;

use super::facade::atomic::{AtomicPtr, AtomicU64, Ordering};

/// A slot for one `Arc`.
pub struct NextSlot<T> {
    value: AtomicPtr<T>,
    puts: AtomicU64,
}

// SAFETY: the slot owns an `Arc<T>` and hands it out whole, so it may be shared and sent exactly
// when an `Arc<T>` may be sent.
unsafe impl<T: Send + Sync> Sync for NextSlot<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Send for NextSlot<T> {}

impl<T> NextSlot<T> {
    /// Makes an empty slot.
    pub const fn new() -> Self {
        Self { value: AtomicPtr::new(ptr::null_mut()), puts: AtomicU64::new(0) }
    }

    /// Fills the slot and returns what was in it. Only the slot's worker fills it.
    pub fn put(&self, value: Arc<T>) -> Option<Arc<T>> {
        // Relaxed: one writer; the watcher compares it with a value it saw a millisecond ago.
        self.puts.store(self.puts() + 1, Ordering::Relaxed);
        self.swap(Arc::into_raw(value).cast_mut())
    }

    /// Empties the slot.
    pub fn take(&self) -> Option<Arc<T>> {
        // An empty slot is the usual case; a stale look only means that the value is found later
        // by its own worker, which always sees its own put.
        if self.is_some() { self.swap(ptr::null_mut()) } else { None }
    }

    /// Tells whether something is in the slot.
    pub fn is_some(&self) -> bool {
        // SeqCst: pairs with the swap in `put`, see the watcher's header.
        !self.value.load(Ordering::SeqCst).is_null()
    }

    /// Returns how often the slot was filled.
    pub fn puts(&self) -> u64 {
        self.puts.load(Ordering::Relaxed)
    }

    fn swap(&self, new: *mut T) -> Option<Arc<T>> {
        // SeqCst: the acquire half receives the value that a put released; the total order is
        // needed by the watcher, see its header.
        let old = self.value.swap(new, Ordering::SeqCst);
        // SAFETY: by the invariant a non-null pointer came from `Arc::into_raw`, and the swap
        // made this call the only owner of its count.
        (!old.is_null()).then(|| unsafe { Arc::from_raw(old) })
    }
}

impl<T> Default for NextSlot<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for NextSlot<T> {
    fn drop(&mut self) {
        self.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_value_pushes_the_earlier_one_out() {
        let slot = NextSlot::new();
        assert!(slot.put(Arc::new(1)).is_none());
        assert_eq!(slot.put(Arc::new(2)).as_deref(), Some(&1));
        assert_eq!(slot.take().as_deref(), Some(&2));
        assert!(slot.take().is_none() && !slot.is_some());
        assert_eq!(slot.puts(), 2);
    }

    #[test]
    fn a_value_left_in_the_slot_is_dropped_with_it() {
        let value = Arc::new(());
        let slot = NextSlot::new();
        slot.put(Arc::clone(&value));
        drop(slot);
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
