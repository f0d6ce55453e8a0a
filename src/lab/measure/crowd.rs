//! Threads that start together and stop together.
//!
//! Called by the measuring loops. The calling thread only starts, waits and stops: it is not part
//! of the load.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use super::usage::Usage;
use crate::affinity;

/// What the threads of one round see of it.
pub(super) struct Signal {
    start: Barrier,
    /// Threads that have begun: the round lasts from when the last of them did.
    begun: AtomicUsize,
    stop: CachePadded<AtomicBool>,
    /// Moments of the round are counted from here.
    pub(super) origin: Instant,
}

/// One thread's round: what it found, when it began, and what it used up.
pub(super) struct Turn<R> {
    pub(super) found: R,
    pub(super) usage: Usage,
    begin: Instant,
}

/// A whole round.
pub(super) struct Round<R> {
    pub(super) turns: Vec<Turn<R>>,
    /// From the first thread's begin to the stop.
    pub(super) wall: Duration,
}

impl Signal {
    /// Whether the round is over.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        // Relaxed: nothing is passed on; the join orders the results.
        self.stop.load(Ordering::Relaxed)
    }

    /// Nanoseconds since the origin.
    #[inline]
    pub(super) fn moment(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.origin).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Runs each body on a thread of its own until `duration` is over. Bodies get ready (allocate)
/// before they are called: a body is made by `make` on the new thread.
pub(super) fn run<R: Send, B: FnOnce(&Signal) -> R>(
    threads: usize,
    duration: Duration,
    pin: bool,
    make: impl Fn(usize) -> B + Sync,
) -> Round<R> {
    let signal = Signal {
        start: Barrier::new(threads + 1),
        begun: AtomicUsize::new(0),
        stop: CachePadded::new(AtomicBool::new(false)),
        origin: Instant::now(),
    };
    let (signal, make) = (&signal, &make);
    thread::scope(|scope| {
        let crowd: Vec<_> = (0..threads)
            .map(|number| scope.spawn(move || take_part(signal, number, pin, make)))
            .collect();
        signal.start.wait();
        // Relaxed: only the number matters.
        while signal.begun.load(Ordering::Relaxed) < threads {
            thread::yield_now();
        }
        thread::sleep(duration);
        // Relaxed: see `is_over`.
        signal.stop.store(true, Ordering::Relaxed);
        let stopped = Instant::now();
        let turns: Vec<Turn<R>> =
            crowd.into_iter().map(|thread| thread.join().expect("no part panics")).collect();
        let begin = turns.iter().map(|turn| turn.begin).min().unwrap_or(stopped);
        Round { turns, wall: stopped.saturating_duration_since(begin) }
    })
}

fn take_part<R, B: FnOnce(&Signal) -> R>(
    signal: &Signal,
    number: usize,
    pin: bool,
    make: impl Fn(usize) -> B,
) -> Turn<R> {
    if pin {
        // A core that cannot be had makes the figures no worse than without pinning.
        let _ = affinity::pin_current(number % affinity::cores());
    }
    let body = make(number);
    signal.start.wait();
    let (before, begin) = (Usage::of_this_thread(), Instant::now());
    // Relaxed: see `run`.
    signal.begun.fetch_add(1, Ordering::Relaxed);
    let found = body(signal);
    Turn { found, usage: Usage::of_this_thread().since(before), begin }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_takes_part_until_the_end() {
        let round = run(3, Duration::from_millis(5), false, |number| {
            move |signal: &Signal| {
                while !signal.is_over() {
                    thread::yield_now();
                }
                number
            }
        });
        let mut numbers: Vec<usize> = round.turns.iter().map(|turn| turn.found).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 1, 2]);
        assert!(round.wall >= Duration::from_millis(4), "{:?}", round.wall);
    }
}
