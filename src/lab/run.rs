//! Runs the questions: round by round, each contestant once a round, and its control twice.
//!
//! Called by the command line. The machine changes while a run goes on (other work, heat, clock
//! rates), so the contestants of a question are interleaved: A B C A, B C A A, ... Each round
//! begins with another one, so that none of them always follows the same neighbour.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::advice;
use super::grid::{self, Asked};
use super::machine;
use super::measure::{Outcome, Round};
use super::options::{LabError, Options};
use super::record::{Answer, Question, Report, Sample};
use super::stats::{self, figure};
use crate::affinity;

/// What a run tells whoever started it, and asks in return.
pub trait Watch {
    /// Whether to stop after the present cell.
    fn is_stopped(&self) -> bool;

    /// Told before each cell.
    fn progress(&mut self, progress: &Progress<'_>);
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The name of the question.
    pub question: &'a str,
    /// The contestant that is measured now.
    pub subject: &'a str,
    /// Number of the question, from 1, and how many there are.
    pub question_of: (usize, usize),
    /// What is done, from 0 to 1.
    pub done: f64,
    /// How long the rest will take, by what has been done so far.
    pub left: Duration,
}

/// Measures everything that the options ask for.
///
/// A run that was stopped returns what it has, marked as not complete.
///
/// # Errors
/// As [`grid::plan`]; nothing was measured then.
pub fn run(
    options: &Options,
    allocator: &str,
    command: &str,
    watch: &mut dyn Watch,
) -> Result<Report, LabError> {
    let plan = grid::plan(options, affinity::cores())?;
    let mut report = machine::report(allocator, command);
    let mut course = Course::new(&plan, watch);
    for asked in &plan {
        report.questions.extend(course.answer(asked));
    }
    report.complete = !course.stopped;
    report.took_s = course.begin.elapsed().as_secs_f64();
    report.machine.load[1] = machine::load();
    advice::advise(&mut report);
    Ok(report)
}

/// A run on its way.
struct Course<'a> {
    watch: &'a mut dyn Watch,
    begin: Instant,
    /// What all cells together should take, and those that are done.
    total: Duration,
    done: Duration,
    questions: usize,
    question: usize,
    stopped: bool,
}

/// What is known of one contestant so far.
struct Tally {
    answer: Answer,
    waits: Histogram<u64>,
    lost: u64,
}

impl<'a> Course<'a> {
    fn new(plan: &[Asked], watch: &'a mut dyn Watch) -> Self {
        let total = plan.iter().map(Asked::estimate).sum();
        let (begin, questions) = (Instant::now(), plan.len());
        Self { watch, begin, total, done: Duration::ZERO, questions, question: 0, stopped: false }
    }

    /// Asks one question. Returns none if the run was stopped before its first cell.
    fn answer(&mut self, asked: &Asked) -> Option<Question> {
        self.question += 1;
        let mut tallies: Vec<Tally> =
            (0..asked.contestants.len()).map(|index| Tally::new(asked, index)).collect();
        let mut control = Vec::new();
        for round in 0..asked.rounds {
            for index in order(asked.contestants.len(), round) {
                let Some(outcome) = self.cell(asked, index, round) else { break };
                match tallies.get_mut(index) {
                    Some(tally) => tally.add(outcome, round),
                    None => control.push(outcome.sample),
                }
            }
        }
        question(asked, tallies, &control)
    }

    /// Measures one cell, unless the run was stopped. The index after the last contestant is the
    /// control.
    fn cell(&mut self, asked: &Asked, index: usize, round: u32) -> Option<Outcome> {
        self.stopped |= self.watch.is_stopped();
        if self.stopped {
            return None;
        }
        let contestant = asked.contestants.get(index).unwrap_or(&asked.contestants[asked.control]);
        self.watch.progress(&Progress {
            question: &asked.question.name,
            subject: contestant.facts.name,
            question_of: (self.question, self.questions),
            done: self.done.as_secs_f64() / self.total.as_secs_f64(),
            left: self.left(),
        });
        let outcome = contestant.measure(Round {
            duration: asked.cell,
            pin: asked.pin,
            owners: round == 0 && index < asked.contestants.len(),
        });
        self.done += asked.cell_estimate();
        Some(outcome)
    }

    /// The rest of the estimate, corrected by how wrong it has been so far.
    fn left(&self) -> Duration {
        let rest = self.total.saturating_sub(self.done);
        // A few cells say nothing about the others.
        if self.done * 20 < self.total {
            return rest;
        }
        rest.mul_f64(self.begin.elapsed().as_secs_f64() / self.done.as_secs_f64())
    }
}

/// The order of a round: every contestant and, as one more, the control.
fn order(contestants: usize, round: u32) -> impl Iterator<Item = usize> {
    let cells = contestants + 1;
    (0..cells).map(move |place| (place + round as usize) % cells)
}

impl Tally {
    fn new(asked: &Asked, index: usize) -> Self {
        let facts = asked.contestants[index].facts;
        let threads = asked.question.conditions.threads as usize;
        let answer = Answer {
            subject: facts.name.to_owned(),
            own: facts.own,
            features: facts.feature.map(str::to_owned),
            remark: facts.remark_for(threads, affinity::cores()),
            ..Answer::default()
        };
        Self { answer, waits: stats::histogram(), lost: 0 }
    }

    fn add(&mut self, outcome: Outcome, round: u32) {
        self.answer.samples.push(Sample { round, ..outcome.sample });
        self.waits.add(&outcome.waits).expect("the bounds are the same");
        self.lost += outcome.lost;
        if !outcome.owners.is_empty() {
            self.answer.owners = outcome.owners;
        }
    }

    fn finish(mut self) -> Answer {
        self.answer.curve = stats::curve(&self.waits);
        if self.lost > 0 {
            let broken = format!("IT DOES NOT EXCLUDE: {} writes were lost", self.lost);
            let before = self.answer.remark.take().map(|remark| format!("; {remark}"));
            self.answer.remark = Some(broken + before.as_deref().unwrap_or(""));
        }
        self.answer
    }
}

fn question(asked: &Asked, tallies: Vec<Tally>, control: &[Sample]) -> Option<Question> {
    let kind = &asked.question.conditions.kind;
    let figures = |samples: &[Sample]| -> Vec<f64> {
        samples.iter().map(|sample| figure(kind, sample)).collect()
    };
    let noise = stats::noise(&figures(&tallies[asked.control].answer.samples), &figures(control));
    let answers: Vec<Answer> = tallies
        .into_iter()
        .map(Tally::finish)
        .filter(|answer| !answer.samples.is_empty())
        .collect();
    let is_asked = !answers.is_empty();
    is_asked.then(|| Question { noise, answers, ..asked.question.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stops after so many cells, and writes down what it was told.
    struct Cells {
        until: usize,
        told: Vec<String>,
    }

    impl Watch for Cells {
        fn is_stopped(&self) -> bool {
            self.told.len() >= self.until
        }

        fn progress(&mut self, progress: &Progress<'_>) {
            assert!((0.0..=1.0).contains(&progress.done), "{progress:?}");
            self.told.push(progress.subject.to_owned());
        }
    }

    fn run_until(until: usize) -> (Report, Vec<String>) {
        let options = Options {
            only: vec!["exclusive".to_owned()],
            locks: vec!["mutex".to_owned(), "fair".to_owned()],
            threads: Some(vec![2]),
            sections: Some(vec![1_000]),
            rounds: Some(3),
            cell_ms: Some(3),
            ..Options::default()
        };
        let mut watch = Cells { until, told: Vec::new() };
        let report = run(&options, "test", "ironsky lab", &mut watch).unwrap();
        (report, watch.told)
    }

    #[test]
    fn contestants_take_turns_and_the_control_is_measured_beside_them() {
        let (report, told) = run_until(usize::MAX);
        assert!(report.complete && report.took_s > 0.0);
        let first = report.questions.first().unwrap();
        assert_eq!((&*first.name, &*first.baseline), ("exclusive/t2/s1000", "mutex"));
        let expected = ["mutex", "fair", "mutex", "fair", "mutex", "mutex"];
        assert_eq!(told[..6], expected);
        for answer in &first.answers {
            let rounds: Vec<u32> = answer.samples.iter().map(|sample| sample.round).collect();
            assert_eq!(rounds, [0, 1, 2]);
            assert_eq!(answer.curve.last().map(|point| point.0), Some(1.0));
        }
        assert!(!first.answers[1].owners.is_empty());
        assert!(!report.advice.is_empty());
    }

    #[test]
    fn a_stopped_run_keeps_what_it_has() {
        let (report, told) = run_until(2);
        assert_eq!(told, ["mutex", "fair"]);
        assert!(!report.complete);
        assert_eq!(report.questions.len(), 1);
        let answers = &report.questions[0].answers;
        assert_eq!(answers.iter().map(|answer| answer.samples.len()).sum::<usize>(), 2);
        let (nothing, _) = run_until(0);
        assert!(nothing.questions.is_empty() && !nothing.complete);
    }

    #[test]
    fn every_round_has_everybody_once() {
        for round in 0..10 {
            let mut all: Vec<usize> = order(4, round).collect();
            assert_eq!(all[0], round as usize % 5);
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3, 4]);
        }
    }
}
