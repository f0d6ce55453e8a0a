//! How long a waiter looks before it parks.
//!
//! Called by the slow paths of the parking locks. A short look saves two system calls and a context
//! switch when the holder is about to leave; on one core nobody can leave while we look, so there
//! it is none at all.

use std::num::NonZero;
use std::sync::LazyLock;

use crate::sync::facade::{SPIN_ROUNDS_MAX, hint};

/// One waiter's budget of looks.
pub(super) struct Patience {
    rounds_left: u32,
}

impl Patience {
    /// A budget of this many rounds; fewer where looking is of no use.
    pub(super) fn new(rounds: u32) -> Self {
        Self { rounds_left: rounds.min(*ROUNDS_MAX) }
    }

    /// Pauses for one round. Returns false when the budget is spent: park.
    pub(super) fn pause(&mut self) -> bool {
        if self.rounds_left == 0 {
            return false;
        }
        self.rounds_left -= 1;
        hint::spin_loop();
        true
    }
}

static ROUNDS_MAX: LazyLock<u32> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    if cores > 1 { SPIN_ROUNDS_MAX } else { 0 }
});
