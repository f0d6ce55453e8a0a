//! `ironsky lab`: reads its options, shows the progress, writes the report.
//!
//! Exit codes: 0 when everything was measured, 130 when Ctrl-C stopped it (what was measured is
//! written all the same), 1 when the report cannot be written or a Lua workload cannot be built or
//! fails, 2 for options that make no sense.

mod parts;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

use parts::Part;

use super::print;
use crate::affinity;
use crate::lab::lua::LuaLabError;
use crate::lab::machine;
use crate::lab::options::{self, LabError, Options};
use crate::lab::record::Report;
use crate::lab::report;
use crate::lab::run::{self, Progress, Watch};

const EXAMPLES: &str = "\
Examples:
  ironsky lab                          everything in short, less than a minute
  ironsky lab --profile standard       the whole grid, less than ten minutes
  ironsky lab --only blocking          who is served fairly: questions by part of their names
  ironsky lab --locks fair,mutex,std   these three only
  ironsky lab --only shared --threads 2,8 --reads 50,99.9 --section 0,1us
                                       a grid of your own
  ironsky lab --replay profile.json    the locks of a real load, as its statistics have them
  ironsky lab actors                   native services on the scheduler, under every strategy
  ironsky lab lua my/config            a Lua workload on a build for each choice of features

A difference smaller than the noise of the run is called indistinguishable. The noise is measured:
the default lock takes part twice.";

/// The status of a process that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// The options of `ironsky lab`, as they were written.
#[derive(Debug, PartialEq, Eq, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct LabArguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// How thorough: quick (under a minute), standard (under ten), full (over night).
    #[arg(long, value_name = "PROFILE", default_value = "quick")]
    profile: String,
    /// Only questions whose names contain one of these words, such as exclusive,shared,queue.
    #[arg(long, value_name = "WORDS")]
    only: Option<String>,
    /// Numbers of threads: 1 to 256.
    #[arg(long, value_name = "LIST")]
    threads: Option<String>,
    /// Lengths of sections: 0 to 100ms, such as 0,50ns,1us.
    #[arg(long, value_name = "LIST")]
    section: Option<String>,
    /// Percentages of reads: 0 to 100, such as 50,99.9.
    #[arg(long, value_name = "LIST")]
    reads: Option<String>,
    /// Locks, queues and parkers by name or part of it.
    #[arg(long, value_name = "LIST")]
    locks: Option<String>,
    /// How often each is measured: 1 to 1000; quick and standard do it 5 times, full 11.
    #[arg(long, value_name = "N")]
    rounds: Option<String>,
    /// How long each is measured in a round, in milliseconds: 1 to 60000.
    #[arg(long, value_name = "MS")]
    cell: Option<String>,
    /// Pin threads to cores.
    #[arg(long)]
    pin: bool,
    /// The folder for the report.
    #[arg(long, value_name = "DIR", default_value = "lab-report")]
    out: PathBuf,
    /// Ask about the classes of locks in this profile instead of the grid.
    #[arg(long, value_name = "PROFILE.json")]
    replay: Option<PathBuf>,
}

/// Does what the options ask for.
pub(super) fn lab(arguments: &LabArguments, allocator: &str) -> ExitCode {
    match measure(arguments, allocator) {
        Ok(report) => hand_over(&report, arguments),
        Err(LuaLabError::Options(error)) => {
            complain(&format!("error: {error}\n\nFor more information, try 'ironsky lab --help'."));
            ExitCode::from(2)
        }
        Err(error) => {
            complain(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &LabArguments, allocator: &str) -> Result<Report, LuaLabError> {
    let (command, mut console) = (command(), Console::new());
    let report = match &arguments.part {
        Some(part) => part.run(allocator, &command, &mut console),
        None => {
            let options = read(arguments)?;
            run::run(&options, allocator, &command, &mut console).map_err(LuaLabError::from)
        }
    };
    console.end();
    report
}

fn read(arguments: &LabArguments) -> Result<Options, LabError> {
    let words = |text: &Option<String>| text.as_deref().map_or(Vec::new(), options::words);
    Ok(Options {
        profile: arguments.profile.parse()?,
        only: words(&arguments.only),
        threads: arguments.threads.as_deref().map(options::threads).transpose()?,
        sections: arguments.section.as_deref().map(options::sections).transpose()?,
        reads: arguments.reads.as_deref().map(options::reads).transpose()?,
        locks: words(&arguments.locks),
        rounds: arguments.rounds.as_deref().map(options::rounds).transpose()?,
        cell_ms: arguments.cell.as_deref().map(options::cell).transpose()?,
        pin: arguments.pin,
        replay: arguments.replay.as_deref().map(options::replay).transpose()?,
    })
}

/// Figures of a machine with other work are noise for the most part; the report says so, too, but
/// afterwards. Told at the first step, when the options are known to make sense.
fn warn_if_busy(load: f64, cores: usize) {
    if load > cores as f64 / 2.0 {
        complain(&format!("other work is going on (load {load} on {cores} cores): expect noise"));
    }
}

/// The command that repeats the run, from the arguments of the process.
fn command() -> String {
    let quoted = |word: OsString| {
        let word = word.to_string_lossy().into_owned();
        if word.contains([' ', '\'']) { format!("'{}'", word.replace('\'', "'\\''")) } else { word }
    };
    let words = std::env::args_os().skip(1).map(quoted);
    ["ironsky".to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// Shows the report and writes it.
fn hand_over(report: &Report, arguments: &LabArguments) -> ExitCode {
    if report.questions.is_empty() {
        complain("stopped before anything was measured");
        return ExitCode::from(INTERRUPTED);
    }
    let out = arguments.part.as_ref().map_or(&arguments.out, Part::out);
    let files = match report::write_all(report, out) {
        Ok(files) => files,
        Err(error) => {
            complain(&format!("the report cannot be written: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let is_terminal = io::stdout().is_terminal();
    let color = is_terminal && std::env::var_os("NO_COLOR").is_none();
    let mut text = report::terminal(report, color, width());
    text.push_str("\nWritten:\n");
    for file in files {
        text.push_str(&format!("  {}\n", file.display()));
    }
    let code = print(&text);
    if report.complete { code } else { ExitCode::from(INTERRUPTED) }
}

/// The columns of the terminal, as the shell says; else a hundred.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.filter(|columns| (40..=500).contains(columns)).unwrap_or(100)
}

fn complain(text: &str) {
    // The standard error output may be closed; the exit code still tells.
    let _ = writeln!(io::stderr(), "{text}");
}

/// The progress on the standard error output, and Ctrl-C.
struct Console {
    interrupted: Arc<AtomicBool>,
    is_terminal: bool,
    last: Option<Instant>,
}

/// How often a line is rewritten on a terminal.
const REWRITE: Duration = Duration::from_millis(100);

/// How often a line is written elsewhere.
const WRITE: Duration = Duration::from_secs(10);

impl Console {
    fn new() -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        // The first Ctrl-C sets the flag, a second one finds it set and ends the process. Without
        // handlers Ctrl-C just ends it.
        let status = i32::from(INTERRUPTED);
        let _ = flag::register_conditional_shutdown(SIGINT, status, Arc::clone(&interrupted));
        let _ = flag::register(SIGINT, Arc::clone(&interrupted));
        Self { interrupted, is_terminal: io::stderr().is_terminal(), last: None }
    }

    fn is_due(&self) -> bool {
        let pause = if self.is_terminal { REWRITE } else { WRITE };
        self.last.is_none_or(|last| last.elapsed() >= pause)
    }

    /// Leaves an empty line where the progress was.
    fn end(&self) {
        if self.is_terminal && self.last.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Watch for Console {
    fn is_stopped(&self) -> bool {
        // Relaxed: the flag passes nothing on.
        self.interrupted.load(Ordering::Relaxed)
    }

    fn progress(&mut self, progress: &Progress<'_>) {
        if !self.is_due() {
            return;
        }
        if self.last.is_none() {
            warn_if_busy(machine::load(), affinity::cores());
        }
        self.last = Some(Instant::now());
        let line = line(progress);
        let mut out = io::stderr();
        // Nobody may be there to see it.
        let _ = match self.is_terminal {
            true => write!(out, "\r{line}\x1b[K").and_then(|()| out.flush()),
            false => writeln!(out, "{line}"),
        };
    }
}

fn line(progress: &Progress<'_>) -> String {
    let (number, count) = progress.question_of;
    let percent = (progress.done * 100.0).floor();
    let seconds = progress.left.as_secs_f64().ceil();
    let left = match seconds {
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds => format!("{:.0} min", (seconds / 60.0).ceil()),
    };
    let Progress { question, subject, .. } = progress;
    format!("[{number}/{count}] {percent:.0} %, {left} left: {question}, {subject}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_and_how_long() {
        let mut progress = Progress {
            question: "wake/idle",
            subject: "futex",
            question_of: (3, 20),
            done: 0.129,
            left: Duration::from_millis(41_200),
        };
        assert_eq!(line(&progress), "[3/20] 12 %, 42 s left: wake/idle, futex");
        progress.left = Duration::from_secs(500);
        assert_eq!(line(&progress), "[3/20] 12 %, 9 min left: wake/idle, futex");
    }
}
