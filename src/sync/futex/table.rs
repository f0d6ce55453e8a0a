//! A futex without the operating system's: a hashed table of blocking pairs.
//!
//! Called by `futex` on systems other than Linux and in models, where the pairs are the model's.
//!
//! Protocol: a waiter compares the word and queues itself in one critical section of its bucket; a
//! waker changes the word before it takes the bucket. So the waiter either sees the change or is in
//! the queue when the waker looks. A waiter sleeps as long as its ticket is queued.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::Duration;

use super::Word;
use crate::sync::facade::time::Instant;
use crate::sync::facade::{Condvar, OsMutex, global, wait_timeout};

/// Enough that unrelated locks seldom share one; the cost is a wasted look, not an error.
const BUCKETS: usize = if cfg!(any(ironsky_loom, ironsky_shuttle)) { 1 } else { 64 };

global!(TABLE: Table = Table::new());

struct Table {
    buckets: [Bucket; BUCKETS],
}

struct Bucket {
    waiters: OsMutex<Waiters>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiters {
    queue: VecDeque<Waiter>,
    tickets: u64,
}

struct Waiter {
    place: usize,
    mask: u32,
    ticket: u64,
}

impl Table {
    fn new() -> Self {
        Self { buckets: std::array::from_fn(|_| Bucket::new()) }
    }

    fn bucket(&self, place: *const u32) -> &Bucket {
        // Words of one object are neighbours: the line decides, multiplied to spread.
        let line = place.addr() >> 6;
        &self.buckets[line.wrapping_mul(0x9E37_79B9) % BUCKETS]
    }
}

impl Bucket {
    fn new() -> Self {
        Self { waiters: OsMutex::new(Waiters::default()), changed: Condvar::new() }
    }
}

impl Waiters {
    fn push(&mut self, place: usize, mask: u32) -> u64 {
        self.tickets += 1;
        self.queue.push_back(Waiter { place, mask, ticket: self.tickets });
        self.tickets
    }

    fn position(&self, ticket: u64) -> Option<usize> {
        self.queue.iter().position(|waiter| waiter.ticket == ticket)
    }

    /// Removes the first `count` waiters that fit, and says whether there was one.
    fn remove_matching(&mut self, place: usize, count: u32, mask: u32) -> bool {
        let mut left = count;
        let before = self.queue.len();
        self.queue.retain(|waiter| {
            let chosen = left > 0 && waiter.place == place && waiter.mask & mask != 0;
            left -= u32::from(chosen);
            !chosen
        });
        self.queue.len() < before
    }
}

/// See the contract in `futex`. Returns false when the time ran out.
pub(super) fn wait(
    word: &impl Word,
    expected: u32,
    mask: u32,
    timeout: Option<Duration>,
) -> bool {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let bucket = TABLE.bucket(word.place());
    let mut waiters = bucket.waiters.lock().unwrap_or_else(PoisonError::into_inner);
    if word.low() != expected {
        return true;
    }
    let ticket = waiters.push(word.place().addr(), mask);
    while let Some(position) = waiters.position(ticket) {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            waiters.queue.remove(position);
            return false;
        }
        waiters = match left {
            None => bucket.changed.wait(waiters).unwrap_or_else(PoisonError::into_inner),
            Some(left) => wait_timeout(&bucket.waiters, &bucket.changed, waiters, left),
        };
    }
    true
}

/// See the contract in `futex`.
pub(super) fn wake(place: *const u32, count: u32, mask: u32) {
    let bucket = TABLE.bucket(place);
    let mut waiters = bucket.waiters.lock().unwrap_or_else(PoisonError::into_inner);
    if waiters.remove_matching(place.addr(), count, mask) {
        bucket.changed.notify_all();
    }
}
