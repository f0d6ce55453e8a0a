//! `ironsky lab lua`: a Lua workload on one build of ironsky for each choice of features.
//!
//! Called by the command line. A strategy cannot be changed in a node that is built, so this part
//! builds the executable again and again (`builds`), runs each on the same config (`runs`) and
//! reads the rates that the workload logs (`lines`). It needs cargo and the source tree.
//!
//! *One question* is one line that the workload logs. In every round each build runs once; the
//! default build runs twice, and the distance of its two series is the noise. The order turns from
//! round to round. Processor time is that of the whole run, the same for all its lines.

mod builds;
mod lines;
mod runs;

use super::course::Course;
use super::machine;
use super::options::LabError;
use super::record::{Answer, Conditions, Question, Report, Sample};
use super::run::Watch;
use super::stats;
pub use builds::source_tree;
use builds::{Tree, Variant};
use runs::{Outcome, Workload};
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// The config of the workload; `benches/lua/config.lua` of the source tree if there is none.
    pub config: Option<PathBuf>,
    /// The folder of ironsky's source tree; see [`source_tree`] if there is none.
    pub source: Option<PathBuf>,
    /// Every combination of features instead of those that differ from the default in one.
    pub all: bool,
    /// Only variants whose name contains one of these, and the default; all if there are none.
    pub only: Vec<String>,
    /// Rounds: each variant runs once in each.
    pub rounds: u32,
    /// How long a run may take.
    pub limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config: None,
            source: None,
            all: false,
            only: Vec::new(),
            rounds: 5,
            limit: Duration::from_secs(300),
        }
    }
}

/// A build, or a run of the workload of the house, on a small machine.
const STEP_GUESS: Duration = Duration::from_secs(20);

/// Why there is no report.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LuaLabError {
    /// The options make no sense.
    #[error(transparent)]
    Options(#[from] LabError),
    /// There is nothing to build from.
    #[error("no source tree of ironsky in {0}: name its folder")]
    NoSource(String),
    /// A file or program cannot be used.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// cargo failed.
    #[error("the build of {variant} failed:\n{output}")]
    Build {
        /// Which features.
        variant: String,
        /// The end of what cargo said.
        output: String,
    },
    /// What was built is not what was asked for.
    #[error("the build of {variant} has another strategy ({found}): is it set in RUSTFLAGS?")]
    OtherStrategy {
        /// Which features.
        variant: String,
        /// What it says of itself.
        found: String,
    },
    /// The workload failed.
    #[error("{variant}: the workload {what}; its last lines:\n{output}")]
    Run {
        /// Which features.
        variant: String,
        /// What it did.
        what: String,
        /// The end of its output.
        output: String,
    },
    /// A result has a unit that cannot be compared.
    #[error("in {line:?}: a result has to be a number `a second`")]
    Unit {
        /// The line.
        line: String,
    },
}

/// Builds and measures. A run that was stopped returns what it has, marked as not complete.
///
/// # Errors
/// When something cannot be built, or the workload fails or logs no results.
pub fn run(
    options: &Options,
    allocator: &str,
    command: &str,
    watch: &mut dyn Watch,
) -> Result<Report, LuaLabError> {
    let variants = chosen(options)?;
    let tree = Tree::find(options.source.as_deref())?;
    let workload = Workload::new(options.config.as_deref(), &tree, options.limit)?;
    let (builds, rounds) = (variants.len(), options.rounds as usize);
    let mut report = machine::report(allocator, command);
    let mut course = Course::new(watch, builds + (builds + 1) * rounds, STEP_GUESS);
    let mut columns = build_all(&tree, variants, &mut course)?;
    for round in 0..rounds {
        for turn in 0..columns.len() {
            let index = (turn + round) % columns.len();
            let column = &mut columns[index];
            let name = column.variant.name();
            if !course.goes_on("runs", &name, (round + 1, rounds)) {
                break;
            }
            let outcome =
                workload.run(&column.program, &column.variant, &mut || course.is_stopped());
            column.outcomes.extend(outcome?.map(|outcome| (round as u32, outcome)));
        }
    }
    report.questions = questions(&columns);
    Ok(course.finish(report))
}

/// Builds the variants, up to a stop.
fn build_all(
    tree: &Tree,
    variants: Vec<Variant>,
    course: &mut Course<'_>,
) -> Result<Vec<Column>, LuaLabError> {
    let mut columns = Vec::new();
    let builds = variants.len();
    for (number, variant) in (1..).zip(variants) {
        if !course.goes_on("builds", &variant.name(), (number, builds)) {
            break;
        }
        let program = match tree.build(&variant) {
            // Ctrl-C reaches cargo too.
            Err(_) if course.is_stopped() => break,
            built => built?,
        };
        if variant.is_default() {
            columns.push(Column::new(variant.clone(), program.clone(), true));
        }
        columns.push(Column::new(variant, program, false));
    }
    Ok(columns)
}

fn chosen(options: &Options) -> Result<Vec<Variant>, LabError> {
    let variants = if options.all { Variant::all() } else { Variant::some() };
    for word in &options.only {
        if !variants.iter().any(|variant| variant.name().contains(word.as_str())) {
            let names: Vec<String> = variants.iter().map(Variant::name).collect();
            let (text, known) = (word.clone(), names.join(", "));
            return Err(LabError::Unknown { option: "--only", text, known });
        }
    }
    let is_wanted = |variant: &Variant| {
        options.only.is_empty()
            || variant.is_default()
            || options.only.iter().any(|word| variant.name().contains(word.as_str()))
    };
    Ok(variants.into_iter().filter(is_wanted).collect())
}

/// One build's results while they come in.
struct Column {
    variant: Variant,
    program: PathBuf,
    /// Whether this is the second series of the default.
    control: bool,
    outcomes: Vec<(u32, Outcome)>,
}

impl Column {
    fn new(variant: Variant, program: PathBuf, control: bool) -> Self {
        Self { variant, program, control, outcomes: Vec::new() }
    }

    /// The samples of one line of the workload.
    fn samples(&self, name: &str) -> Vec<Sample> {
        let sample = |(round, outcome): &(u32, Outcome)| {
            let rate = outcome.rates.iter().find(|rate| rate.name == name)?;
            Some(Sample {
                round: *round,
                wall_s: outcome.wall_s,
                operations: (rate.per_second * outcome.wall_s).round() as u64,
                cpu_s: outcome.cpu_s,
                ..Sample::default()
            })
        };
        self.outcomes.iter().filter_map(sample).collect()
    }
}

/// One question for each line that some run logged, in their order.
fn questions(columns: &[Column]) -> Vec<Question> {
    let mut names: Vec<&str> = Vec::new();
    for (_, outcome) in columns.iter().flat_map(|column| &column.outcomes) {
        for rate in &outcome.rates {
            if !names.contains(&rate.name.as_str()) {
                names.push(&rate.name);
            }
        }
    }
    names.iter().map(|name| question(name, columns)).collect()
}

fn question(name: &str, columns: &[Column]) -> Question {
    let rates = |control: bool| {
        let is_it = |column: &&Column| column.variant.is_default() && column.control == control;
        let samples = columns.iter().find(is_it).map(|column| column.samples(name));
        let figure = |sample: Sample| stats::figure("lua", &sample);
        samples.unwrap_or_default().into_iter().map(figure).collect::<Vec<f64>>()
    };
    let answer = |column: &Column| Answer {
        subject: column.variant.name(),
        own: true,
        features: Some(column.variant.features()),
        samples: column.samples(name),
        ..Answer::default()
    };
    let measured = columns.iter().filter(|column| !column.control);
    Question {
        name: format!("lua/{name}"),
        title: format!("Lua: {name}"),
        conditions: Conditions { kind: "lua".to_owned(), ..Conditions::default() },
        noise: stats::noise(&rates(false), &rates(true)),
        baseline: Variant::default().name(),
        answers: measured.map(answer).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::lines::Rate;
    use super::*;
    use crate::lab::course::tests::Steps;

    fn column(features: &str, control: bool, rates: &[f64]) -> Column {
        let variant = Variant::all().into_iter().find(|v| v.features() == features).unwrap();
        let mut column = Column::new(variant, PathBuf::new(), control);
        for (round, rate) in (0..).zip(rates) {
            let rates = vec![
                Rate { name: "calls".into(), per_second: *rate },
                Rate { name: "sends".into(), per_second: rate * 3.0 },
            ];
            column.outcomes.push((round, Outcome { rates, wall_s: 2.0, cpu_s: 3.0 }));
        }
        column
    }

    fn default_features() -> String {
        Variant::default().features()
    }

    #[test]
    fn each_line_is_a_question_and_the_default_is_its_own_control() {
        let columns = vec![
            column(&default_features(), false, &[1000.0, 1000.0, 1000.0]),
            column(&default_features(), true, &[1100.0, 1100.0, 1100.0]),
            column("lock-fair", false, &[2000.0, 2002.0, 2001.0]),
        ];
        let mut report = Report { questions: questions(&columns), ..Report::default() };
        crate::lab::advice::advise(&mut report);
        let names: Vec<&str> = report.questions.iter().map(|q| &*q.name).collect();
        assert_eq!(names, ["lua/calls", "lua/sends"]);
        let calls = &report.questions[0];
        assert_eq!(calls.answers.len(), 2, "the control is no subject");
        assert!((calls.noise - 0.095).abs() < 0.001, "{}", calls.noise);
        assert_eq!(calls.answers[1].samples[1].operations, 4004);
        assert_eq!(report.advice.len(), 1, "all lines are one workload");
        let line = report.advice[0].features.as_deref();
        assert_eq!(line, Some("cargo build --release --features lock-fair"));
    }

    #[test]
    fn options_without_sense_are_refused() {
        let refused = |options: Options| {
            run(&options, "test", "", &mut Steps::until(0)).unwrap_err().to_string()
        };
        let unknown = refused(Options { only: vec!["fast".into()], ..Options::default() });
        assert!(unknown.contains("\"fast\"") && unknown.contains("nojemalloc"), "{unknown}");
        let dir = tempfile::tempdir().unwrap();
        let source = Some(dir.path().join("nowhere"));
        assert!(refused(Options { source, ..Options::default() }).contains("nowhere"));
    }

    #[test]
    fn words_choose_variants_beside_the_default() {
        let options = Options { only: vec!["spin".into()], ..Options::default() };
        let names: Vec<String> = chosen(&options).unwrap().iter().map(Variant::name).collect();
        assert_eq!(names, [&*Variant::default().name(), "lock-spin", "lock-spin-crate"]);
    }
}
