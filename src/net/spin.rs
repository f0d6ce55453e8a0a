//! For how long the lookout looks again and again before it blocks.
//!
//! A thread that blocks on an otherwise idle core is back only after the core has been woken, which
//! costs more than a short request and its answer. So where the next event mostly comes within
//! `socket_spin`, the lookout looks for that long first. Where it does not, looking is a waste:
//! after few misses the lookout blocks at once for a while, which gets longer each time, and then
//! tries again. Two of 514 waits are misses then, so spinning costs a slow node nothing.

use std::time::{Duration, Instant};

/// The most that is known in favour of spinning: so many hits.
const CREDIT_MAX: i32 = 8;
/// What a new trial begins with: it ends at the second miss in a row.
const CREDIT_TRIAL: i32 = 4;
/// What a miss costs. Spinning goes on when more than three looks of four are hits.
const MISS: i32 = 3;
/// For so many waits the lookout blocks at once after a trial, the first and the longest time.
const PAUSE_MIN: u32 = 8;
const PAUSE_MAX: u32 = 512;

/// What the last waits have taught.
#[derive(Debug)]
pub(super) struct Spin {
    /// For how long to look; zero: never.
    limit: Duration,
    credit: i32,
    /// Waits that block at once before the next trial.
    paused: u32,
    pause: u32,
}

impl Spin {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, credit: CREDIT_TRIAL, paused: 0, pause: PAUSE_MIN }
    }

    /// Calls `look` until it returns true, for as long as it is worth while. Returns whether it
    /// did.
    pub(super) fn spin(&mut self, mut look: impl FnMut() -> bool) -> bool {
        if self.limit.is_zero() || !self.is_worth_while() {
            return false;
        }
        let began = Instant::now();
        loop {
            let hit = look();
            if hit || began.elapsed() >= self.limit {
                self.learn(hit);
                return hit;
            }
            std::hint::spin_loop();
        }
    }

    fn is_worth_while(&mut self) -> bool {
        let is_paused = self.paused > 0;
        self.paused = self.paused.saturating_sub(1);
        !is_paused
    }

    fn learn(&mut self, hit: bool) {
        if hit {
            self.credit = (self.credit + 1).min(CREDIT_MAX);
            if self.credit == CREDIT_MAX {
                self.pause = PAUSE_MIN;
            }
            return;
        }
        self.credit -= MISS;
        if self.credit < 0 {
            self.credit = CREDIT_TRIAL;
            self.paused = self.pause;
            self.pause = (2 * self.pause).min(PAUSE_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spin() -> Spin {
        Spin::new(Duration::from_micros(1))
    }

    /// How many of so many waits look before they block, when one in `every` looks is a miss.
    fn looks(spin: &mut Spin, waits: usize, every: usize) -> usize {
        let mut looks: usize = 0;
        for _ in 0..waits {
            let mut looked = false;
            let hit = !looks.is_multiple_of(every);
            spin.spin(|| {
                looked = true;
                hit
            });
            looks += usize::from(looked);
        }
        looks
    }

    #[test]
    fn who_mostly_hits_goes_on() {
        assert_eq!(looks(&mut spin(), 10_000, 10), 10_000);
    }

    #[test]
    fn who_never_hits_hardly_looks() {
        let mut spin = spin();
        looks(&mut spin, 2_000, 1);
        assert!(looks(&mut spin, 51_200, 1) <= 51_200 / 256 + 2);
    }

    #[test]
    fn a_slow_spell_is_forgotten() {
        let mut spin = spin();
        looks(&mut spin, 5_000, 1);
        // The pause ends, and the trial after it is a success.
        let looked = looks(&mut spin, 5_000, usize::MAX);
        assert!(looked > 4_000, "{looked}");
        assert_eq!(looks(&mut spin, 100, usize::MAX), 100);
    }

    #[test]
    fn without_a_limit_nobody_looks() {
        assert_eq!(looks(&mut Spin::new(Duration::ZERO), 100, 1), 0);
    }
}
