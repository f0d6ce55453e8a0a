//! The node's clock. Spec: runtime section 6.1.

use std::time::Duration;

use crate::sync::facade::time::{Instant, wall};

/// Hundredths of a second, the unit of skynet's API. One tick of the timer.
pub type Centis = u64;

const CENTI: Duration = Duration::from_millis(10);

/// Tells the time since the start of the node.
///
/// It follows the monotonic clock: later changes of the wall clock are not seen. Zero is the whole
/// second in which the node started, so that start time + now is the wall time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start_seconds: u64,
    zero: Instant,
}

impl Clock {
    /// Starts the clock.
    pub fn start() -> Self {
        let wall = wall();
        let now = Instant::now();
        // On a machine that came up within the last second the fraction cannot be subtracted;
        // then the clock starts at 0.
        let fraction = Duration::from_nanos(u64::from(wall.subsec_nanos()));
        Self { start_seconds: wall.as_secs(), zero: now.checked_sub(fraction).unwrap_or(now) }
    }

    /// Returns the wall clock's whole seconds since the epoch at the start.
    pub fn start_seconds(&self) -> u64 {
        self.start_seconds
    }

    /// Returns hundredths of a second since [`Self::start_seconds`].
    pub fn now(&self) -> Centis {
        (self.zero.elapsed().as_nanos() / CENTI.as_nanos()) as Centis
    }

    /// Returns nanoseconds of the monotonic clock.
    pub fn nanos(&self) -> u64 {
        self.zero.elapsed().as_nanos() as u64
    }

    /// Returns when a tick begins.
    pub fn instant_of(&self, tick: Centis) -> Instant {
        self.zero + CENTI * u32::try_from(tick).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_the_fraction_of_the_second() {
        let begin = Instant::now();
        let now = Clock::start().now();
        // The fraction of the second, and what has passed since: both rounded up.
        let most = 101 + begin.elapsed().as_nanos() / CENTI.as_nanos();
        assert!(u128::from(now) <= most, "now is {now} at the start");
    }

    #[test]
    fn a_tick_begins_when_now_reaches_it() {
        let clock = Clock::start();
        let (now, moment) = loop {
            let (now, moment) = (clock.now(), Instant::now());
            if clock.now() == now {
                break (now, moment);
            }
        };
        let next = clock.instant_of(now + 1);
        assert!(next > moment);
        assert!(next <= moment + CENTI);
    }
}
