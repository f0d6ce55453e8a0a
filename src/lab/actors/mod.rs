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

use super::course::Course;
use super::machine;
use super::options::LabError;
use super::record::{Answer, Conditions, Question, Report, Sample};
use super::run::Watch;
use super::stats;
use crate::affinity;
use hdrhistogram::Histogram;
use std::time::Duration;
use strategies::Entry;
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

/// Reads a list of numbers of workers.
///
/// # Errors
/// [`LabError::Value`] for anything but 1 to [`WORKERS_MAX`].
pub fn workers(text: &str) -> Result<Vec<usize>, LabError> {
    let read = |word: &str| word.trim().parse().ok().filter(is_number_of_workers);
    let numbers: Option<Vec<usize>> = text.split(',').map(read).collect();
    numbers.ok_or_else(|| wrong_workers(text))
}

fn is_number_of_workers(number: &usize) -> bool {
    (1..=WORKERS_MAX).contains(number)
}

fn wrong_workers(text: &str) -> LabError {
    let allowed = format!("numbers from 1 to {WORKERS_MAX}, such as 1,2,8");
    LabError::Value { option: "--workers", text: text.to_owned(), allowed }
}

/// Measures. A run that was stopped returns what it has, marked as not complete.
///
/// # Errors
/// When the options make no sense; nothing has been measured then.
pub fn run(
    options: &Options,
    allocator: &str,
    command: &str,
    watch: &mut dyn Watch,
) -> Result<Report, LabError> {
    let plan = Plan::of(options)?;
    let questions = plan.questions().count();
    let steps = questions * (plan.entries.len() + 1) * plan.rounds as usize;
    let mut course = Course::new(watch, steps, options.duration);
    let mut report = machine::report(allocator, command);
    for (number, (workload, workers)) in (1..).zip(plan.questions()) {
        let mut board = Board::new(&plan, workload, workers);
        for round in 0..plan.rounds {
            for turn in 0..board.columns.len() {
                let column = board.turn(turn, round);
                let step = (board.name(), column.entry.name, (number, questions));
                if course.goes_on(&step.0, step.1, step.2) {
                    board.measure(turn, round, options);
                }
            }
        }
        report.questions.extend(board.question(options.pin));
    }
    Ok(course.finish(report))
}

/// The options after a look at what there is.
struct Plan {
    workloads: Vec<Workload>,
    entries: Vec<Entry>,
    workers: Vec<usize>,
    rounds: u32,
}

impl Plan {
    fn of(options: &Options) -> Result<Self, LabError> {
        if let Some(workers) = options.workers.iter().find(|number| !is_number_of_workers(number)) {
            return Err(wrong_workers(&workers.to_string()));
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
}

fn names_workload(word: &str) -> bool {
    Workload::ALL.iter().any(|workload| workload.name().contains(word))
}

fn unknown(word: &str) -> LabError {
    let workloads: Vec<&str> = Workload::ALL.iter().map(|workload| workload.name()).collect();
    let known = format!("{}; strategies such as fair+write+locked+futex", workloads.join(", "));
    LabError::Unknown { option: "--only", text: word.to_owned(), known }
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

    /// Whose turn it is. The first moves on by one each round, so that nobody always runs after
    /// the same other.
    fn turn(&self, turn: usize, round: u32) -> &Column {
        &self.columns[self.index(turn, round)]
    }

    fn index(&self, turn: usize, round: u32) -> usize {
        (turn + round as usize) % self.columns.len()
    }

    fn measure(&mut self, turn: usize, round: u32, options: &Options) {
        let index = self.index(turn, round);
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
    use crate::lab::course::tests::Steps;

    fn tiny() -> Options {
        Options {
            only: vec!["pairs".into(), "fair+fair+locked+futex".into()],
            workers: vec![2],
            rounds: 2,
            duration: Duration::from_millis(3),
            ..Options::default()
        }
    }

    fn go(options: &Options, steps: &mut Steps) -> Report {
        run(options, "test", "ironsky lab actors", steps).expect("the options make sense")
    }

    #[test]
    fn a_tiny_run_has_everything() {
        let mut steps = Steps::until(usize::MAX);
        let report = go(&tiny(), &mut steps);
        assert!(report.complete && report.took_s > 0.0);
        let [question] = &report.questions[..] else { panic!("{:?}", report.questions) };
        assert_eq!(question.name, "actors/pairs/w2");
        let subjects: Vec<&str> = question.answers.iter().map(|a| &*a.subject).collect();
        assert_eq!(subjects, [strategies::default_name(), "fair+fair+locked+futex"]);
        for answer in &question.answers {
            assert_eq!(answer.samples.len(), 2);
            assert!(answer.samples.iter().all(|sample| sample.operations > 0));
            assert!(answer.samples.iter().all(|sample| sample.cpu_s > 0.0));
        }
        assert_eq!(report.advice.len(), 1);
        let [default, other] = [subjects[0], subjects[1]];
        let expected = [default, default, other, default, other, default];
        assert_eq!(steps.told, expected, "two and the control, two rounds, the first moves on");
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
        for question in go(&options, &mut Steps::until(usize::MAX)).questions {
            for answer in question.answers {
                let handled = answer.samples[0].operations;
                assert!(handled > 0, "{} under {}", question.name, answer.subject);
            }
        }
    }

    #[test]
    fn an_interrupted_run_keeps_what_it_has() {
        let report = go(&tiny(), &mut Steps::until(3));
        assert!(!report.complete);
        let answers = &report.questions[0].answers;
        let samples: Vec<usize> = answers.iter().map(|answer| answer.samples.len()).collect();
        assert_eq!(samples, [1, 1], "and one of the control");
        assert!(go(&tiny(), &mut Steps::until(0)).questions.is_empty());
    }

    #[test]
    fn options_without_sense_are_refused() {
        let refused = |options: Options| {
            let result = run(&options, "test", "", &mut Steps::until(0));
            result.unwrap_err().to_string()
        };
        let allowed = "numbers from 1 to 256, such as 1,2,8";
        let text = refused(Options { workers: vec![2, 0], ..tiny() });
        assert_eq!(text, format!("--workers \"0\": {allowed}"));
        for text in ["0", "257", "1,", "two", ""] {
            assert!(workers(text).unwrap_err().to_string().contains(allowed));
        }
        assert_eq!(workers("1, 8").unwrap(), [1, 8]);
        let unknown = refused(Options { only: vec!["nonsense".into()], ..tiny() });
        assert!(unknown.contains("\"nonsense\"") && unknown.contains("fan-in"), "{unknown}");
    }

    #[test]
    fn numbers_of_workers_are_not_repeated() {
        assert_eq!(workers_or_default(&[4, 1, 4]), [1, 4]);
        assert!(workers_or_default(&[]).len() >= 2);
    }
}
