//! The run queue: first in, first out, many producers, many consumers, unbounded.
//!
//! Called by the scheduler (ready mailboxes) through [`Strategy`](super::Strategy). Two rivals: a
//! lock-free queue, and a deque under an exclusive lock, which wins on some machines.
//!
//! Promises of every run queue:
//! 1. An item is popped exactly once, in the order of the pushes where those were ordered.
//! 2. What happened before a push happened before the pop that returns its item.
//! 3. After a push returned, `is_empty` is false for everybody ordered after it until a pop.

use std::collections::VecDeque;
use std::fmt;

use super::strategy::Named;

/// A queue of ready work.
pub trait RunQueue<T>: Send + Sync + 'static {
    /// The name in reports.
    const NAME: &'static str;

    /// Makes an empty queue.
    fn new() -> Self;

    /// Adds an item at the end.
    fn push(&self, item: T);

    /// Takes the item at the front.
    fn pop(&self) -> Option<T>;

    /// Says whether nothing was queued at the moment of the look.
    fn is_empty(&self) -> bool;

    /// Counts the items at the moment of the look.
    fn len(&self) -> usize;
}

/// A lock-free queue of linked blocks.
pub struct LockFreeQueue<T>(lock_free::Queue<T>);

impl<T> fmt::Debug for LockFreeQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockFreeQueue").finish_non_exhaustive()
    }
}

impl<T: Send + 'static> RunQueue<T> for LockFreeQueue<T> {
    const NAME: &'static str = "lockfree";

    fn new() -> Self {
        Self(lock_free::Queue::new())
    }

    #[inline]
    fn push(&self, item: T) {
        self.0.push(item);
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.0.pop()
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }
}

cfg_select! {
    any(ironsky_loom, ironsky_shuttle) => {
        mod lock_free {
            //! A stand-in: the models cannot see into the crate's queue, so they would not know
            //! what a push orders.

            use std::collections::VecDeque;
            use std::sync::PoisonError;

            use crate::sync::facade::OsMutex;

            pub(super) struct Queue<T>(OsMutex<VecDeque<T>>);

            impl<T> Queue<T> {
                pub(super) fn new() -> Self {
                    Self(OsMutex::new(VecDeque::new()))
                }

                fn with<R>(&self, body: impl FnOnce(&mut VecDeque<T>) -> R) -> R {
                    body(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
                }

                pub(super) fn push(&self, item: T) {
                    self.with(|items| items.push_back(item));
                }

                pub(super) fn pop(&self) -> Option<T> {
                    self.with(VecDeque::pop_front)
                }

                pub(super) fn is_empty(&self) -> bool {
                    self.len() == 0
                }

                pub(super) fn len(&self) -> usize {
                    self.with(|items| items.len())
                }
            }
        }
    }
    _ => {
        mod lock_free {
            pub(super) use crossbeam_queue::SegQueue as Queue;
        }
    }
}

/// A deque under the exclusive lock `E`.
pub struct LockedQueue<E, T> {
    items: lock_api::Mutex<E, VecDeque<T>>,
}

impl<E, T> fmt::Debug for LockedQueue<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockedQueue").finish_non_exhaustive()
    }
}

impl<E, T> RunQueue<T> for LockedQueue<E, T>
where
    E: lock_api::RawMutex + Named + Send + Sync + 'static,
    T: Send + 'static,
{
    const NAME: &'static str = "locked";

    fn new() -> Self {
        Self { items: lock_api::Mutex::new(VecDeque::new()) }
    }

    #[inline]
    fn push(&self, item: T) {
        self.items.lock().push_back(item);
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.items.lock().pop_front()
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.items.lock().is_empty()
    }

    #[inline]
    fn len(&self) -> usize {
        self.items.lock().len()
    }
}
