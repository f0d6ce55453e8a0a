//! Which strategy is the default: the only Rust file that names the features of `sync`.
//!
//! Called by everything that names [`Selected`]. Precedence, the first that holds wins, so that any
//! set of features builds:
//! - exclusive: `--cfg ironsky_lock`, `lock-fair`, `lock-spin-crate`, `lock-spin`, `lock-mutex`;
//!   without any: mutex.
//! - shared: `--cfg ironsky_rwlock`, `rwlock-fair`, `rwlock-slots`, `rwlock-write`,
//!   `rwlock-read`; without any: slots.
//! - run queue: `--cfg ironsky_queue`, `queue-locked`, `queue-lockfree`; without any: lockfree.

use super::lock;
use super::parker::FutexParker;
use super::strategy::{self, Bundle, Named, QueueFamily, Selection, Strategy};

cfg_select! {
    ironsky_lock = "fair" => { type Exclusive = lock::RawFair; }
    ironsky_lock = "spin-crate" => { type Exclusive = lock::RawSpinCrate; }
    ironsky_lock = "spin" => { type Exclusive = lock::RawSpin; }
    ironsky_lock = "mutex" => { type Exclusive = lock::RawMutex; }
    feature = "lock-fair" => { type Exclusive = lock::RawFair; }
    feature = "lock-spin-crate" => { type Exclusive = lock::RawSpinCrate; }
    feature = "lock-spin" => { type Exclusive = lock::RawSpin; }
    _ => { type Exclusive = lock::RawMutex; }
}

cfg_select! {
    ironsky_rwlock = "fair" => { type Shared = lock::RawRwFair; }
    ironsky_rwlock = "slots" => { type Shared = lock::RawRwSlots; }
    ironsky_rwlock = "write" => { type Shared = lock::RawRwWrite; }
    ironsky_rwlock = "read" => { type Shared = lock::RawRwRead; }
    feature = "rwlock-fair" => { type Shared = lock::RawRwFair; }
    feature = "rwlock-slots" => { type Shared = lock::RawRwSlots; }
    feature = "rwlock-write" => { type Shared = lock::RawRwWrite; }
    feature = "rwlock-read" => { type Shared = lock::RawRwRead; }
    _ => { type Shared = lock::RawRwSlots; }
}

cfg_select! {
    ironsky_queue = "locked" => { type Queue = strategy::Locked<Exclusive>; }
    ironsky_queue = "lockfree" => { type Queue = strategy::LockFree; }
    feature = "queue-locked" => { type Queue = strategy::Locked<Exclusive>; }
    _ => { type Queue = strategy::LockFree; }
}

type Chosen = Bundle<Exclusive, Shared, Queue, FutexParker>;

/// The strategy that the features chose.
#[derive(Copy, Clone, Default, Debug)]
pub struct Selected;

impl Strategy for Selected {
    const NAME: &'static str = Chosen::NAME;
    type Exclusive = Exclusive;
    type Shared = Shared;
    type RunQueue<T: Send + 'static> = <Queue as QueueFamily>::Queue<T>;
    type Parker = FutexParker;
}

impl Selected {
    pub(super) const SELECTION: Selection =
        Selection { exclusive: Exclusive::NAME, shared: Shared::NAME, run_queue: Queue::NAME };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(choices: &[(bool, &'static str)], default: &'static str) -> &'static str {
        choices.iter().find(|choice| choice.0).map_or(default, |choice| choice.1)
    }

    #[test]
    fn the_first_in_the_precedence_wins() {
        let exclusive = [
            (cfg!(ironsky_lock = "mutex"), "mutex"),
            (cfg!(ironsky_lock = "spin"), "spin"),
            (cfg!(ironsky_lock = "spin-crate"), "spin-crate"),
            (cfg!(ironsky_lock = "fair"), "fair"),
            (cfg!(feature = "lock-fair"), "fair"),
            (cfg!(feature = "lock-spin-crate"), "spin-crate"),
            (cfg!(feature = "lock-spin"), "spin"),
            (cfg!(feature = "lock-mutex"), "mutex"),
        ];
        let shared = [
            (cfg!(ironsky_rwlock = "fair"), "fair"),
            (cfg!(ironsky_rwlock = "slots"), "slots"),
            (cfg!(ironsky_rwlock = "read"), "read"),
            (cfg!(ironsky_rwlock = "write"), "write"),
            (cfg!(feature = "rwlock-fair"), "fair"),
            (cfg!(feature = "rwlock-slots"), "slots"),
            (cfg!(feature = "rwlock-write"), "write"),
            (cfg!(feature = "rwlock-read"), "read"),
        ];
        let run_queue = [
            (cfg!(ironsky_queue = "locked"), "locked"),
            (cfg!(ironsky_queue = "lockfree"), "lockfree"),
            (cfg!(feature = "queue-locked"), "locked"),
            (cfg!(feature = "queue-lockfree"), "lockfree"),
        ];
        let expected = Selection {
            exclusive: first(&exclusive, "mutex"),
            shared: first(&shared, "slots"),
            run_queue: first(&run_queue, "lockfree"),
        };
        assert_eq!(Selected::SELECTION, expected);
    }
}
