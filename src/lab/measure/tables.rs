//! The measuring functions of all subjects, as tables.
//!
//! Called by `grid`.

use super::queue::Ends;
use super::{Entry, Load, lock, queue, wake};
use crate::lab::subjects::{self, Lock, Parker, Queue, VisitLock, VisitParker, VisitQueue};

struct Table<L>(Vec<Entry<L>>);

impl VisitLock for Table<Load> {
    fn visit<L: Lock + 'static>(&mut self) {
        self.0.push(Entry { facts: L::FACTS, measure: lock::measure::<L> });
    }
}

impl VisitQueue for Table<Ends> {
    fn visit<Q: Queue + 'static>(&mut self) {
        self.0.push(Entry { facts: Q::FACTS, measure: queue::measure::<Q> });
    }
}

impl VisitParker for Table<()> {
    fn visit<P: Parker + 'static>(&mut self) {
        self.0.push(Entry { facts: P::FACTS, measure: wake::measure::<P> });
    }
}

/// The exclusive locks.
#[must_use]
pub fn exclusive() -> Vec<Entry<Load>> {
    let mut table = Table(Vec::new());
    subjects::exclusive_locks(&mut table);
    table.0
}

/// The shared locks.
#[must_use]
pub fn shared() -> Vec<Entry<Load>> {
    let mut table = Table(Vec::new());
    subjects::shared_locks(&mut table);
    table.0
}

/// The queues.
#[must_use]
pub fn queues() -> Vec<Entry<Ends>> {
    let mut table = Table(Vec::new());
    subjects::queues(&mut table);
    table.0
}

/// The parkers.
#[must_use]
pub fn parkers() -> Vec<Entry<()>> {
    let mut table = Table(Vec::new());
    subjects::parkers(&mut table);
    table.0
}
