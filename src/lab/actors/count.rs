//! What the services of a workload count: messages handled, and the time of round trips.
//!
//! Each service has counters of its own, so that counting does not make services meet that the
//! scheduler keeps apart.

use crate::lab::stats;
use crate::sync::class::Application;
use crate::sync::{Mutex, Selected};
use hdrhistogram::Histogram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// One round trip in so many is timed: two looks at the clock take as long as a message.
const TIMED_EVERY: u64 = 16;

/// Collects what all services of one run counted.
pub(super) struct Counters {
    running: Arc<AtomicBool>,
    waits: Arc<Mutex<Selected, Application, Histogram<u64>>>,
    handled: Vec<Arc<Handled>>,
}

/// The messages that one service handled. Aligned so that services do not share cache lines.
#[repr(align(128))]
#[derive(Default)]
struct Handled(AtomicU64);

/// One service's part.
pub(super) struct Counter {
    running: Arc<AtomicBool>,
    handled: Arc<Handled>,
    trips: u64,
    begun: Option<Instant>,
    waits: Option<Histogram<u64>>,
    all_waits: Arc<Mutex<Selected, Application, Histogram<u64>>>,
}

impl Counters {
    pub(super) fn new() -> Self {
        Self {
            running: Arc::new(AtomicBool::new(true)),
            waits: Arc::new(Mutex::<Selected, Application, _>::new(stats::histogram())),
            handled: Vec::new(),
        }
    }

    /// Makes the counter of one more service.
    pub(super) fn add(&mut self) -> Counter {
        let handled = Arc::new(Handled::default());
        self.handled.push(Arc::clone(&handled));
        Counter {
            running: Arc::clone(&self.running),
            handled,
            trips: 0,
            begun: None,
            waits: None,
            all_waits: Arc::clone(&self.waits),
        }
    }

    /// From now on services answer no more, so that the messages run out.
    pub(super) fn stop(&self) {
        // Relaxed: a hint; nothing is read on the strength of it.
        self.running.store(false, Ordering::Relaxed);
    }

    /// What each service handled up to now, in the order in which they were added.
    pub(super) fn handled(&self) -> Vec<u64> {
        // Relaxed: statistics.
        self.handled.iter().map(|handled| handled.0.load(Ordering::Relaxed)).collect()
    }

    /// The round trips; complete when all services are dropped.
    pub(super) fn into_waits(self) -> Histogram<u64> {
        self.waits.lock().clone()
    }
}

impl Counter {
    /// Counts a message and says whether the service should go on.
    pub(super) fn handle(&self) -> bool {
        let count = self.handled.0.load(Ordering::Relaxed);
        // Relaxed: only this service writes it, and it runs on one thread at a time.
        self.handled.0.store(count + 1, Ordering::Relaxed);
        self.running.load(Ordering::Relaxed)
    }

    /// A round trip begins.
    pub(super) fn depart(&mut self) {
        self.trips += 1;
        if self.trips.is_multiple_of(TIMED_EVERY) {
            self.begun = Some(Instant::now());
        }
    }

    /// It has ended.
    pub(super) fn arrive(&mut self) {
        if let Some(begun) = self.begun.take() {
            let ns = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.waits.get_or_insert_with(stats::histogram).saturating_record(ns.max(1));
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        if let Some(waits) = self.waits.take() {
            self.all_waits.lock().add(&waits).expect("both have the same bounds");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_count_apart_and_their_trips_come_together() {
        let mut counters = Counters::new();
        let (mut first, second) = (counters.add(), counters.add());
        for _ in 0..TIMED_EVERY * 2 {
            first.depart();
            assert!(first.handle());
            first.arrive();
        }
        second.handle();
        counters.stop();
        assert!(!second.handle(), "it is over");
        assert_eq!(counters.handled(), [TIMED_EVERY * 2, 2]);
        drop((first, second));
        assert_eq!(counters.into_waits().len(), 2);
    }
}
