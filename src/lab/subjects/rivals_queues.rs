//! The queues of other crates.
//!
//! Called by the lists in `subjects`.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError, mpsc};

use super::{Facts, Queue, VisitQueue};

/// Visits the rival queues.
pub(super) fn queues(visitor: &mut impl VisitQueue) {
    visitor.visit::<StdDeque>();
    visitor.visit::<StdChannel>();
    visitor.visit::<SegQueue>();
    visitor.visit::<ArrayQueue>();
    visitor.visit::<CrossbeamChannel>();
    visitor.visit::<ConcurrentQueue>();
}

/// A deque under the mutex of the standard library.
struct StdDeque(Mutex<VecDeque<u64>>);

impl Queue for StdDeque {
    const FACTS: Facts = Facts::rival("Mutex<VecDeque>");

    fn new(_capacity: usize) -> Self {
        Self(Mutex::default())
    }

    fn producer(&self) -> impl FnMut(u64) + Send + '_ {
        |item| self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(item)
    }

    fn consumer(&self) -> Option<impl FnMut() -> Option<u64> + Send + '_> {
        Some(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front())
    }
}

/// The channel of the standard library, with one receiver.
struct StdChannel {
    send: mpsc::Sender<u64>,
    receive: Mutex<Option<mpsc::Receiver<u64>>>,
}

impl Queue for StdChannel {
    const FACTS: Facts = Facts::rival("std mpsc");

    fn new(_capacity: usize) -> Self {
        let (send, receive) = mpsc::channel();
        Self { send, receive: Mutex::new(Some(receive)) }
    }

    fn producer(&self) -> impl FnMut(u64) + Send + '_ {
        let send = self.send.clone();
        move |item| {
            // An element that nobody will pop any more is lost, as in a queue that is dropped.
            let _ = send.send(item);
        }
    }

    fn consumer(&self) -> Option<impl FnMut() -> Option<u64> + Send + '_> {
        let receive = self.receive.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(move || receive.try_recv().ok())
    }
}

/// The channel of crossbeam.
struct CrossbeamChannel {
    send: crossbeam_channel::Sender<u64>,
    receive: crossbeam_channel::Receiver<u64>,
}

impl Queue for CrossbeamChannel {
    const FACTS: Facts = Facts::rival("crossbeam-channel");

    fn new(_capacity: usize) -> Self {
        let (send, receive) = crossbeam_channel::unbounded();
        Self { send, receive }
    }

    fn producer(&self) -> impl FnMut(u64) + Send + '_ {
        |item| self.send.send(item).expect("the receiver is beside the sender")
    }

    fn consumer(&self) -> Option<impl FnMut() -> Option<u64> + Send + '_> {
        Some(|| self.receive.try_recv().ok())
    }
}

/// crossbeam's queue of linked blocks, without the house's wrapper.
struct SegQueue(crossbeam_queue::SegQueue<u64>);

impl Queue for SegQueue {
    const FACTS: Facts = Facts::rival("crossbeam SegQueue");

    fn new(_capacity: usize) -> Self {
        Self(crossbeam_queue::SegQueue::new())
    }

    fn producer(&self) -> impl FnMut(u64) + Send + '_ {
        |item| self.0.push(item)
    }

    fn consumer(&self) -> Option<impl FnMut() -> Option<u64> + Send + '_> {
        Some(|| self.0.pop())
    }
}

/// crossbeam's ring.
struct ArrayQueue(crossbeam_queue::ArrayQueue<u64>);

impl Queue for ArrayQueue {
    const FACTS: Facts =
        Facts::rival("crossbeam ArrayQueue").remark("bounded: its memory is taken when it is made");

    fn new(capacity: usize) -> Self {
        Self(crossbeam_queue::ArrayQueue::new(capacity))
    }

    fn producer(&self) -> impl FnMut(u64) + Send + '_ {
        |item| {
            while self.0.push(item).is_err() {
                std::thread::yield_now();
            }
        }
    }

    fn consumer(&self) -> Option<impl FnMut() -> Option<u64> + Send + '_> {
        Some(|| self.0.pop())
    }
}

/// The queue of the smol family.
struct ConcurrentQueue(concurrent_queue::ConcurrentQueue<u64>);

impl Queue for ConcurrentQueue {
    const FACTS: Facts = Facts::rival("concurrent-queue");

    fn new(_capacity: usize) -> Self {
        Self(concurrent_queue::ConcurrentQueue::unbounded())
    }

    fn producer(&self) -> impl FnMut(u64) + Send + '_ {
        |item| self.0.push(item).expect("an unbounded queue that nobody closes takes everything")
    }

    fn consumer(&self) -> Option<impl FnMut() -> Option<u64> + Send + '_> {
        Some(|| self.0.pop().ok())
    }
}
