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

use super::class::{self, Class};
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
pub struct LockedQueue<E: lock_api::RawMutex + Send + Sync + 'static, T> {
    items: lock_api::Mutex<<class::RunQueue as Class>::Exclusive<E>, VecDeque<T>>,
}

impl<E: lock_api::RawMutex + Send + Sync + 'static, T> fmt::Debug for LockedQueue<E, T> {
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

#[cfg(test)]
#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread::{scope, yield_now};

    use super::*;
    use crate::sync::lock::{RawFair, RawMutex, RawSpin};

    const PRODUCERS: u64 = 3;
    const CONSUMERS: u64 = 3;
    const ITEMS: u64 = 5_000;

    fn push_all(queue: &impl RunQueue<(u64, u64)>, producer: u64) {
        (0..ITEMS).for_each(|item| queue.push((producer, item)));
    }

    /// Pops until all items were popped by somebody; each producer's items come in their order.
    fn pop_all(queue: &impl RunQueue<(u64, u64)>, popped: &AtomicU64, sum: &AtomicU64) {
        let mut next = [0; PRODUCERS as usize];
        while popped.load(Ordering::Relaxed) < PRODUCERS * ITEMS {
            let Some((producer, item)) = queue.pop() else {
                yield_now();
                continue;
            };
            let next = &mut next[producer as usize];
            assert!(item >= *next, "item {item} of producer {producer} came after {next}");
            *next = item + 1;
            popped.fetch_add(1, Ordering::Relaxed);
            sum.fetch_add(item, Ordering::Relaxed);
        }
    }

    macro_rules! contract {
        ($module:ident, $queue:ident<$($part:ty),+>) => {
            mod $module {
                use super::*;

                #[test]
                fn what_goes_in_first_comes_out_first() {
                    let queue = <$queue<$($part),+> as RunQueue<_>>::new();
                    assert!(queue.is_empty());
                    (0..100).for_each(|item| queue.push((0, item)));
                    assert_eq!((queue.len(), queue.is_empty()), (100, false));
                    (0..100).for_each(|item| assert_eq!(queue.pop(), Some((0, item))));
                    assert_eq!((queue.pop(), queue.len()), (None, 0));
                }

                #[test]
                fn every_item_comes_out_once_and_in_order() {
                    let queue = <$queue<$($part),+> as RunQueue<_>>::new();
                    let (popped, sum) = (AtomicU64::new(0), AtomicU64::new(0));
                    scope(|scope| {
                        let (queue, popped, sum) = (&queue, &popped, &sum);
                        for producer in 0..PRODUCERS {
                            scope.spawn(move || push_all(queue, producer));
                        }
                        for _ in 0..CONSUMERS {
                            scope.spawn(move || pop_all(queue, popped, sum));
                        }
                    });
                    assert_eq!(sum.into_inner(), PRODUCERS * (ITEMS * (ITEMS - 1) / 2));
                    assert!(queue.is_empty());
                }
            }
        };
    }

    contract!(lock_free, LockFreeQueue<(u64, u64)>);
    contract!(locked_by_mutex, LockedQueue<RawMutex, (u64, u64)>);
    contract!(locked_by_fair, LockedQueue<RawFair, (u64, u64)>);
    contract!(locked_by_spin, LockedQueue<RawSpin, (u64, u64)>);
}
