//! The strategies of the lab's scheduler: the cross product of what there is for each part.
//!
//! Called by the run. A new lock is one word in the lists at the end, a queue or parker one line.

use super::stage::{Load, Outcome, measure};
use crate::sync::lock::{
    RawFair, RawMutex, RawParkingLot, RawRwFair, RawRwRead, RawRwSlots, RawRwWrite, RawSpin,
    RawSpinCrate,
};
use crate::sync::{Bundle, CondvarParker, FutexParker, LockFree, Locked, Selected, Strategy};

/// A strategy that can be measured.
#[derive(Clone)]
pub(super) struct Entry {
    /// The names of its parts, joined by `+`.
    pub(super) name: &'static str,
    /// Measures one round.
    pub(super) measure: fn(&Load) -> Outcome,
}

impl Entry {
    fn of<S: Strategy>() -> Self {
        Self { name: S::NAME, measure: measure::<S> }
    }

    /// Exclusive lock, shared lock, queue, parker.
    fn parts(&self) -> [&'static str; 4] {
        let mut parts = self.name.split('+');
        [(); 4].map(|()| parts.next().unwrap_or_default())
    }

    /// Whether this is what the node of this build uses.
    pub(super) fn is_default(&self) -> bool {
        self.name == Selected::NAME
    }

    /// Whether all its parts are of the house.
    pub(super) fn own(&self) -> bool {
        let [exclusive, ..] = self.parts();
        exclusive != "parking-lot"
    }

    /// The features that choose it, if features can.
    pub(super) fn features(&self) -> Option<String> {
        let [exclusive, shared, queue, parker] = self.parts();
        let can_be_chosen = self.own() && parker == "futex";
        can_be_chosen.then(|| format!("lock-{exclusive},rwlock-{shared},queue-{queue}"))
    }

    /// What a reader has to know when there are so many workers.
    pub(super) fn remark(&self, workers: usize) -> Option<String> {
        let [exclusive, _, queue, _] = self.parts();
        let spins = exclusive.starts_with("spin") && workers > crate::affinity::cores();
        let convoy = exclusive == "fair" && queue == "locked";
        match (spins, convoy) {
            (true, _) => Some("spins with more workers than cores".to_owned()),
            (_, true) => Some("the run queue is handed from worker to worker in order".to_owned()),
            _ => None,
        }
    }

    /// In how many parts it differs from the default.
    fn distance(&self) -> usize {
        let default = Entry::of::<Selected>().parts();
        self.parts().iter().zip(default).filter(|(own, other)| **own != *other).count()
    }
}

/// The name of the strategy that the node of this build uses.
pub(super) fn default_name() -> &'static str {
    Selected::NAME
}

/// The default, and what differs from it in one part.
pub(super) fn some() -> Vec<Entry> {
    all().into_iter().filter(|entry| entry.distance() <= 1).collect()
}

/// The cross product; the default first.
pub(super) fn all() -> Vec<Entry> {
    let mut entries = vec![Entry::of::<Selected>()];
    entries.extend(cross_product().into_iter().filter(|entry| !entry.is_default()));
    entries
}

/// Each exclusive lock with each shared lock, under both queues and both parkers.
macro_rules! cross {
    ([$($exclusive:ident)+] $shared:tt) => {
        [$(cross!(@of $exclusive $shared)),+].concat()
    };
    (@of $exclusive:ident [$($shared:ident)+]) => {
        vec![$(
            Entry::of::<Bundle<$exclusive, $shared, LockFree, FutexParker>>(),
            Entry::of::<Bundle<$exclusive, $shared, LockFree, CondvarParker>>(),
            Entry::of::<Bundle<$exclusive, $shared, Locked<$exclusive>, FutexParker>>(),
            Entry::of::<Bundle<$exclusive, $shared, Locked<$exclusive>, CondvarParker>>(),
        )+]
    };
}

fn cross_product() -> Vec<Entry> {
    cross!(
        [RawMutex RawSpin RawFair RawSpinCrate RawParkingLot]
        [RawRwFair RawRwSlots RawRwRead RawRwWrite]
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_product_is_complete_and_each_name_is_there_once() {
        let names: HashSet<&str> = all().iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), all().len());
        assert_eq!(all().len(), 5 * 4 * 2 * 2);
        assert!(all()[0].is_default());
    }

    #[test]
    fn the_short_list_varies_one_part_at_a_time() {
        assert_eq!(some().len(), 1 + 4 + 3 + 1 + 1);
    }

    #[test]
    fn features_choose_what_they_can() {
        let find = |name: &str| all().into_iter().find(|entry| entry.name == name).unwrap();
        let features = find("spin-crate+write+locked+futex").features();
        assert_eq!(features.as_deref(), Some("lock-spin-crate,rwlock-write,queue-locked"));
        assert_eq!(find("mutex+fair+lockfree+condvar").features(), None);
        assert!(!find("parking-lot+fair+lockfree+futex").own());
    }

    #[test]
    fn what_spins_among_too_many_says_so() {
        let spin = all().into_iter().find(|entry| entry.name.starts_with("spin+")).unwrap();
        assert!(spin.remark(crate::affinity::cores() + 1).is_some());
        assert_eq!(spin.remark(1), None);
    }
}
