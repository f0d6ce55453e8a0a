//! Measures a parker: how long after a wake-up the sleeper runs.
//!
//! Called through the tables of `measure`. The waker pauses between two wake-ups for different
//! times, so that the sleeper really sleeps, and does not keep step with a tick.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use hdrhistogram::Histogram;

use super::crowd::{self, Signal};
use super::{Outcome, Round};
use crate::lab::record::Sample;
use crate::lab::stats::{self, histogram};
use crate::lab::subjects::Parker;

/// The shortest pause: long enough for the sleeper to be asleep.
const PAUSE_MIN_US: u64 = 150;

/// Pauses differ by up to this: more than the reference's tick, so that a wake-up comes at any
/// moment between two ticks. A prime, so that they fill it evenly.
const PAUSE_RANGE_US: u64 = 2_503;

/// No wake-up is under way.
const NONE: u64 = 0;

/// The sleeper shall end.
const END: u64 = u64::MAX;

/// What the two share.
struct Bell<P> {
    /// Made by the sleeper: some parkers belong to their thread.
    parker: OnceLock<P>,
    /// The moment of the wake-up that is under way, or `NONE`, or `END`.
    rung: CachePadded<AtomicU64>,
}

/// Measures `P` for one round.
pub(super) fn measure<P: Parker>(_load: &(), round: Round) -> Outcome {
    let bell = Bell::<P> { parker: OnceLock::new(), rung: CachePadded::new(AtomicU64::new(NONE)) };
    let turns = crowd::run(2, round.duration, round.pin, |number| {
        let bell = &bell;
        if number == 0 && bell.parker.set(P::new()).is_err() {
            unreachable!("only the sleeper sets it");
        }
        move |signal: &Signal| match number {
            0 => bell.sleep(signal),
            _ => bell.ring(signal),
        }
    });
    let [sleeper, _waker] = &turns.turns[..] else { unreachable!("two threads were started") };
    let waits = sleeper.found.clone();
    let sample = Sample {
        wall_s: turns.wall.as_secs_f64(),
        operations: waits.len(),
        latency: stats::latency(&waits),
        // Of the sleeper: what idling costs. The waker mostly sleeps.
        cpu_s: sleeper.usage.cpu_ns as f64 / 1e9,
        switches: sleeper.usage.switches,
        // A parker of the house that sleeps through the standard library is not counted.
        futex_calls: Some(sleeper.usage.futex_calls).filter(|calls| P::FACTS.own && *calls > 0),
        ..Sample::default()
    };
    Outcome { sample, waits, owners: Vec::new(), lost: 0 }
}

impl<P: Parker> Bell<P> {
    fn parker(&self) -> &P {
        self.parker.get().expect("the sleeper made it before the round began")
    }

    fn sleep(&self, signal: &Signal) -> Histogram<u64> {
        let mut waits = histogram();
        loop {
            self.parker().park();
            // Acquire: pairs with the Release in `ring_once`.
            match self.rung.swap(NONE, Ordering::Acquire) {
                END => return waits,
                NONE => {}
                rung => {
                    let now = signal.moment(Instant::now());
                    waits.saturating_record(now.saturating_sub(rung));
                }
            }
        }
    }

    fn ring(&self, signal: &Signal) -> Histogram<u64> {
        let mut number = 0;
        while !signal.is_over() {
            number += 1;
            let pause = PAUSE_MIN_US + number * 997 % PAUSE_RANGE_US;
            thread::sleep(Duration::from_micros(pause));
            // Relaxed: a wake-up that is still under way is not rung again.
            if self.rung.load(Ordering::Relaxed) == NONE {
                self.ring_once(signal.moment(Instant::now()).max(1));
            }
        }
        self.ring_once(END);
        histogram()
    }

    fn ring_once(&self, moment: u64) {
        // Release: pairs with the Acquire in `sleep`.
        self.rung.store(moment, Ordering::Release);
        self.parker().unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::measure::parkers;

    #[test]
    fn every_parker_is_measured() {
        let round = Round { duration: Duration::from_millis(60), pin: false, owners: false };
        for entry in parkers() {
            let sample = (entry.measure)(&(), round).sample;
            assert!(sample.operations > 0, "{}", entry.facts.name);
            assert_eq!(sample.latency.unwrap().count, sample.operations, "{}", entry.facts.name);
        }
    }
}
