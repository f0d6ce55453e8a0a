//! Work of a known length, for what a thread does inside and outside a lock.
//!
//! Called by the measuring loops. The length is a number of steps, so a thread that is interrupted
//! inside a section still has the same work to do, as a real section has.

use std::hint::black_box;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// One stretch of work, or of sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    steps: u64,
    sleep: Duration,
}

/// Steps of one trial of the calibration.
const TRIAL_STEPS: u64 = 20_000;

/// The fastest of so many trials counts: the others were interrupted.
const TRIALS: u32 = 60;

impl Stretch {
    /// Work for so many nanoseconds of an undisturbed core.
    #[must_use]
    pub fn busy(ns: u64) -> Self {
        let steps = (ns as f64 / step_ns()).round() as u64;
        Self { steps, sleep: Duration::ZERO }
    }

    /// Sleep for at least so many nanoseconds.
    #[must_use]
    pub fn asleep(ns: u64) -> Self {
        Self { steps: 0, sleep: Duration::from_nanos(ns) }
    }

    /// Does it.
    #[inline]
    pub fn run(self) {
        if self.steps > 0 {
            work(self.steps);
        }
        if !self.sleep.is_zero() {
            sleep(self.sleep);
        }
    }
}

/// A chain in which each step needs the one before it, so that a step takes the same time
/// everywhere.
#[inline]
fn work(steps: u64) {
    let mut value = black_box(1_u64);
    for _ in 0..steps {
        value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    }
    black_box(value);
}

/// The nanoseconds of a step, measured once.
fn step_ns() -> f64 {
    static STEP: OnceLock<f64> = OnceLock::new();
    *STEP.get_or_init(|| {
        let fastest = (0..TRIALS).map(|_| trial()).min().unwrap_or(Duration::ZERO);
        // A clock that did not move must not make endless work of it.
        (fastest.as_secs_f64() * 1e9 / TRIAL_STEPS as f64).max(0.05)
    })
}

fn trial() -> Duration {
    let begin = Instant::now();
    work(TRIAL_STEPS);
    begin.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_work_has_more_steps() {
        let (short, long) = (Stretch::busy(1_000), Stretch::busy(100_000));
        assert!(short.steps > 0 && long.steps > 50 * short.steps, "{short:?} {long:?}");
        assert_eq!(Stretch::busy(0).steps, 0);
    }

    #[test]
    fn sleep_takes_at_least_its_time() {
        let begin = Instant::now();
        Stretch::asleep(300_000).run();
        assert!(begin.elapsed() >= Duration::from_micros(300));
    }
}
