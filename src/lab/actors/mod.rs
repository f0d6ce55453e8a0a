//! `ironsky lab actors`: workloads of native services on the real scheduler, under every strategy.
//!
//! Called by the command line. The scheduler, the mailboxes, the registry, the timer and their
//! threads are those of a node; only Lua and the node's commands are missing. So the differences
//! are what a strategy is worth at most: with Lua handlers in between they shrink.
//!
//! *One question* is a workload with a number of workers. In every round each strategy runs it
//! once, from an empty scheduler to an empty scheduler; the baseline runs twice, and the distance
//! of its two series is the noise. The order turns from round to round.
//!
//! *Operations* are messages handled. *Latency* is the time of a round trip (see each workload).

mod count;
mod stage;
mod strategies;
mod threads;
mod workload;

use super::advice::advise;
use super::record::{Answer, Conditions, Question, Report, SCHEMA, Sample};
use super::stats;
use crate::affinity;
use hdrhistogram::Histogram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use strategies::Entry;
use thiserror::Error;
use workload::Workload;

/// What to measure. [`Options::default`] takes about a minute.
#[derive(Clone, Debug)]
pub struct Options {
    /// The whole cross product instead of the strategies that differ from the default in one part.
    pub all: bool,
    /// Workloads and strategies whose name contains one of these; all if there are none. A word
    /// that is in the name of a workload chooses workloads, any other chooses strategies.
    pub only: Vec<String>,
    /// Numbers of workers; 1, 2, as many as cores, and four times as many if there are none.
    pub workers: Vec<usize>,
    /// Rounds of each question.
    pub rounds: u32,
    /// How long each strategy runs in each round.
    pub duration: Duration,
    /// Whether worker n is pinned to core n modulo the cores.
    pub pin: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            all: false,
            only: Vec::new(),
            workers: Vec::new(),
            rounds: 5,
            duration: Duration::from_millis(50),
            pin: false,
        }
    }
}

/// The most workers that a question may have.
pub const WORKERS_MAX: usize = 256;

/// The most rounds of a question.
pub const ROUNDS_MAX: u32 = 1_000;

/// Why the options make no sense.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// A number of workers is out of range.
    #[error("{0} workers: the allowed range is 1 to {WORKERS_MAX}")]
    Workers(usize),
    /// The number of rounds is out of range.
    #[error("{0} rounds: the allowed range is 1 to {ROUNDS_MAX}")]
    Rounds(u32),
    /// A round takes no time.
    #[error("a duration of 0: a round has to take some time")]
    Duration,
    /// A word chooses nothing.
    #[error("nothing is called {word:?}: workloads are {workloads}; a strategy is {strategy}")]
    Unknown {
        /// The word.
        word: String,
        /// All workloads.
        workloads: String,
        /// The shape of a strategy's name.
        strategy: &'static str,
    },
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is measured now.
    pub what: String,
    /// How many measurements are done.
    pub done: usize,
    /// How many there will be.
    pub all: usize,
}

/// Measures, and ends early (with `complete: false`) when `stop` is set. The caller adds to the
/// report where, when and by which command it was made.
///
/// # Errors
/// When the options make no sense; nothing has been measured then.
pub fn run(
    options: &Options,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&Step),
) -> Result<Report, OptionsError> {
    let plan = Plan::of(options)?;
    let mut report = Report { schema: SCHEMA, complete: true, ..Report::default() };
    let mut step = Step { what: String::new(), done: 0, all: plan.measurements() };
    for (workload, workers) in plan.questions() {
        let mut board = Board::new(&plan, workload, workers);
        for round in 0..options.rounds {
            for turn in 0..board.columns.len() {
                if stop.load(Ordering::Relaxed) {
                    report.complete = false;
                    break;
                }
                step.what = board.name();
                progress(&step);
                board.measure(turn, round, options);
                step.done += 1;
            }
        }
        report.questions.extend(board.question(options.pin));
    }
    report.machine.cores = affinity::cores() as u32;
    advise(&mut report);
    Ok(report)
}

/// The options after a look at what there is.
struct Plan {
    workloads: Vec<Workload>,
    entries: Vec<Entry>,
    workers: Vec<usize>,
    rounds: u32,
}

impl Plan {
    fn of(options: &Options) -> Result<Self, OptionsError> {
        if let Some(workers) = options.workers.iter().find(|n| !(1..=WORKERS_MAX).contains(*n)) {
            return Err(OptionsError::Workers(*workers));
        }
        if !(1..=ROUNDS_MAX).contains(&options.rounds) {
            return Err(OptionsError::Rounds(options.rounds));
        }
        if options.duration.is_zero() {
            return Err(OptionsError::Duration);
        }
        let (of_workloads, of_strategies): (Vec<&String>, Vec<&String>) =
            options.only.iter().partition(|word| names_workload(word));
        let strategies = if options.all || !of_strategies.is_empty() {
            strategies::all()
        } else {
            strategies::some()
        };
        for word in &of_strategies {
            if !strategies.iter().any(|entry| entry.name.contains(word.as_str())) {
                return Err(unknown(word));
            }
        }
        let is_wanted = |name: &str, words: &[&String]| {
            words.is_empty() || words.iter().any(|word| name.contains(word.as_str()))
        };
        let workloads = Workload::ALL.iter().copied();
        Ok(Self {
            workloads: workloads.filter(|w| is_wanted(w.name(), &of_workloads)).collect(),
            entries: strategies
                .into_iter()
                .filter(|entry| entry.is_default() || is_wanted(entry.name, &of_strategies))
                .collect(),
            workers: workers_or_default(&options.workers),
            rounds: options.rounds,
        })
    }

    fn questions(&self) -> impl Iterator<Item = (Workload, usize)> + '_ {
        let workers = |workload| self.workers.iter().map(move |workers| (workload, *workers));
        self.workloads.iter().copied().flat_map(workers)
    }

    /// The baseline counts twice.
    fn measurements(&self) -> usize {
        self.questions().count() * (self.entries.len() + 1) * self.rounds as usize
    }
}

fn names_workload(word: &str) -> bool {
    Workload::ALL.iter().any(|workload| workload.name().contains(word))
}

fn unknown(word: &str) -> OptionsError {
    let workloads: Vec<&str> = Workload::ALL.iter().map(|workload| workload.name()).collect();
    OptionsError::Unknown {
        word: word.to_owned(),
        workloads: workloads.join(", "),
        strategy: "EXCLUSIVE+SHARED+QUEUE+PARKER, such as fair+write+locked+futex",
    }
}

fn workers_or_default(workers: &[usize]) -> Vec<usize> {
    let cores = affinity::cores();
    let mut workers = match workers {
        [] => vec![1, 2, cores, 4 * cores],
        given => given.to_vec(),
    };
    workers.sort_unstable();
    workers.dedup();
    workers
}

/// The figures of one question while they come in: one column a strategy, and one more for the
/// second series of the baseline.
struct Board {
    workload: Workload,
    workers: usize,
    columns: Vec<Column>,
}

struct Column {
    entry: Entry,
    /// Whether this is the second series of the baseline.
    control: bool,
    samples: Vec<Sample>,
    waits: Histogram<u64>,
}

impl Column {
    fn new(entry: &Entry, control: bool) -> Self {
        Self { entry: entry.clone(), control, samples: Vec::new(), waits: stats::histogram() }
    }

    fn rates(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| stats::figure("actors", sample)).collect()
    }
}

impl Board {
    fn new(plan: &Plan, workload: Workload, workers: usize) -> Self {
        let mut columns = Vec::new();
        for entry in &plan.entries {
            columns.push(Column::new(entry, false));
            if entry.is_default() {
                columns.push(Column::new(entry, true));
            }
        }
        Self { workload, workers, columns }
    }

    fn name(&self) -> String {
        format!("actors/{}/w{}", self.workload.name(), self.workers)
    }

    /// Measures one column. The turn moves on by one column each round, so that nobody always
    /// runs after the same other.
    fn measure(&mut self, turn: usize, round: u32, options: &Options) {
        let index = (turn + round as usize) % self.columns.len();
        let load = stage::Load {
            workload: self.workload,
            workers: self.workers,
            duration: options.duration,
            pin: options.pin,
        };
        let column = &mut self.columns[index];
        let mut outcome = (column.entry.measure)(&load);
        outcome.sample.round = round;
        column.samples.push(outcome.sample);
        column.waits.add(&outcome.waits).expect("both have the same bounds");
    }

    /// Returns nothing if the run was interrupted before anybody was measured.
    fn question(self, pinned: bool) -> Option<Question> {
        if self.columns.iter().all(|column| column.samples.is_empty()) {
            return None;
        }
        let series = |control: bool| {
            let baseline =
                self.columns.iter().find(|c| c.entry.is_default() && c.control == control);
            baseline.map_or_else(Vec::new, Column::rates)
        };
        let noise = stats::noise(&series(false), &series(true));
        Some(Question {
            name: self.name(),
            title: format!("{}, {} workers", self.workload.title(), self.workers),
            conditions: Conditions {
                kind: "actors".to_owned(),
                threads: self.workers as u32,
                pinned,
                ..Conditions::default()
            },
            noise,
            baseline: strategies::default_name().to_owned(),
            answers: self.answers(),
        })
    }

    fn answers(self) -> Vec<Answer> {
        let workers = self.workers;
        let columns = self.columns.into_iter().filter(|column| !column.control);
        let answer = |column: Column| Answer {
            subject: column.entry.name.to_owned(),
            own: column.entry.own(),
            features: column.entry.features(),
            remark: column.entry.remark(workers),
            curve: stats::curve(&column.waits),
            samples: column.samples,
            owners: Vec::new(),
        };
        columns.map(answer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiny() -> Options {
        Options {
            only: vec!["pairs".into(), "fair+fair+locked+futex".into()],
            workers: vec![2],
            rounds: 2,
            duration: Duration::from_millis(3),
            ..Options::default()
        }
    }

    fn go(options: &Options) -> Report {
        run(options, &AtomicBool::new(false), &mut |_| {}).expect("the options make sense")
    }

    #[test]
    fn a_tiny_run_has_everything() {
        let mut steps = Vec::new();
        let keep = &mut |step: &Step| steps.push((step.done, step.all));
        let report = run(&tiny(), &AtomicBool::new(false), keep).expect("the options make sense");
        assert!(report.complete);
        let [question] = &report.questions[..] else { panic!("{:?}", report.questions) };
        assert_eq!(question.name, "actors/pairs/w2");
        let subjects: Vec<&str> = question.answers.iter().map(|a| &*a.subject).collect();
        assert!(subjects.contains(&"fair+fair+locked+futex"), "{subjects:?}");
        assert!(subjects.contains(&strategies::default_name()), "{subjects:?}");
        for answer in &question.answers {
            assert_eq!(answer.samples.len(), 2);
            assert!(answer.samples.iter().all(|sample| sample.operations > 0));
            assert!(answer.samples.iter().all(|sample| sample.cpu_s > 0.0));
        }
        assert_eq!(report.advice.len(), 1);
        assert_eq!(steps.len(), 6, "two strategies and the control, two rounds");
        assert_eq!(steps.last(), Some(&(5, 6)));
    }

    #[test]
    fn every_workload_moves_under_every_strategy() {
        let options = Options {
            all: true,
            workers: vec![3],
            rounds: 1,
            duration: Duration::from_millis(1),
            ..Options::default()
        };
        for question in go(&options).questions {
            for answer in question.answers {
                let handled = answer.samples[0].operations;
                assert!(handled > 0, "{} under {}", question.name, answer.subject);
            }
        }
    }

    #[test]
    fn an_interrupted_run_keeps_what_it_has() {
        let stop = AtomicBool::new(false);
        let mut interrupt = |step: &Step| stop.store(step.done >= 2, Ordering::Relaxed);
        let report = run(&tiny(), &stop, &mut interrupt).expect("the options make sense");
        assert!(!report.complete);
        let answers = &report.questions[0].answers;
        assert_eq!(answers.iter().map(|answer| answer.samples.len()).sum::<usize>(), 2);
    }

    #[test]
    fn options_without_sense_are_refused() {
        let refused = |options: Options| {
            run(&options, &AtomicBool::new(false), &mut |_| {}).unwrap_err().to_string()
        };
        let workers = refused(Options { workers: vec![2, 0], ..tiny() });
        assert_eq!(workers, "0 workers: the allowed range is 1 to 256");
        assert!(refused(Options { rounds: 0, ..tiny() }).contains("1 to 1000"));
        assert!(refused(Options { duration: Duration::ZERO, ..tiny() }).contains("duration"));
        let unknown = refused(Options { only: vec!["nonsense".into()], ..tiny() });
        assert!(unknown.contains("\"nonsense\"") && unknown.contains("fan-in"), "{unknown}");
    }

    #[test]
    fn numbers_of_workers_are_not_repeated() {
        assert_eq!(workers_or_default(&[4, 1, 4]), [1, 4]);
        assert!(workers_or_default(&[]).len() >= 3);
    }
}
