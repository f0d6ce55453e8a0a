//! A run on its way, for the parts whose steps all take about as long: progress, and the end.
//!
//! Called by `actors` and `lua`.

use std::time::{Duration, Instant};

use super::advice::advise;
use super::machine;
use super::record::Report;
use super::run::{Progress, Watch};

/// How far a run is.
pub(super) struct Course<'a> {
    watch: &'a mut dyn Watch,
    begin: Instant,
    done: usize,
    all: usize,
    /// How long a step takes, as long as none is done.
    guess: Duration,
    stopped: bool,
}

impl<'a> Course<'a> {
    /// Begins a run of so many steps, of which each should take about so long.
    pub(super) fn new(watch: &'a mut dyn Watch, all: usize, guess: Duration) -> Self {
        Self { watch, begin: Instant::now(), done: 0, all, guess, stopped: false }
    }

    /// Announces the next step. Returns whether to take it: no, once the run was stopped.
    pub(super) fn goes_on(
        &mut self,
        question: &str,
        subject: &str,
        question_of: (usize, usize),
    ) -> bool {
        if self.is_stopped() {
            return false;
        }
        let done = self.done as f64 / self.all.max(1) as f64;
        self.watch.progress(&Progress { question, subject, question_of, done, left: self.left() });
        self.done += 1;
        true
    }

    /// Whether the run was stopped.
    pub(super) fn is_stopped(&mut self) -> bool {
        self.stopped |= self.watch.is_stopped();
        self.stopped
    }

    fn left(&self) -> Duration {
        let rest = self.all.saturating_sub(self.done) as f64;
        match self.done {
            0 => self.guess.mul_f64(rest),
            done => self.begin.elapsed().mul_f64(rest / done as f64),
        }
    }

    /// Adds what is known at the end.
    pub(super) fn finish(self, mut report: Report) -> Report {
        report.complete = !self.stopped;
        report.took_s = self.begin.elapsed().as_secs_f64();
        report.machine.load[1] = machine::load();
        advise(&mut report);
        report
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Stops after so many steps, and keeps whose they were.
    pub(in crate::lab) struct Steps {
        until: usize,
        pub(in crate::lab) told: Vec<String>,
    }

    impl Steps {
        pub(in crate::lab) fn until(until: usize) -> Self {
            Self { until, told: Vec::new() }
        }
    }

    impl Watch for Steps {
        fn is_stopped(&self) -> bool {
            self.told.len() >= self.until
        }

        fn progress(&mut self, progress: &Progress<'_>) {
            assert!((0.0..=1.0).contains(&progress.done), "{progress:?}");
            self.told.push(progress.subject.to_owned());
        }
    }

    const GUESS: Duration = Duration::from_secs(7);

    #[test]
    fn the_first_step_is_told_with_a_guess_of_the_rest() {
        let mut steps = Steps::until(9);
        assert_eq!(Course::new(&mut steps, 4, GUESS).left(), GUESS * 4);
    }

    #[test]
    fn a_stopped_run_takes_no_more_steps() {
        let mut steps = Steps::until(2);
        let mut course = Course::new(&mut steps, 4, GUESS);
        let taken = (0..4).filter(|_| course.goes_on("q", "s", (1, 1))).count();
        assert_eq!(taken, 2);
        assert!(!course.finish(Report::default()).complete);
        assert!(Course::new(&mut Steps::until(9), 1, GUESS).finish(Report::default()).complete);
    }
}
