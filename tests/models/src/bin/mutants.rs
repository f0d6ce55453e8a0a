//! Plants every bug of `mutants/` in turn, runs the engines on it and writes a table.
//!
//! ```text
//! mutants [--first] [--check] [--out FILE] [NAME...]
//! ```
//!
//! `--first` stops at the first engine that finds a bug, `--check` fails when one survives, `--out`
//! writes each row to a file as soon as it is known. Without names all bugs are planted. Builds and
//! runs with the `cargo` of the environment, in the folder of this crate; an engine that has not
//! ended after its time has not found the bug, except the unit tests: one that never ends has.

#[path = "../../mutants/mod.rs"]
mod mutants;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio, exit};
use std::time::{Duration, Instant};

use mutants::Mutant;

/// One way to look for a bug.
struct Engine {
    name: &'static str,
    features: &'static [&'static str],
    /// What the tests' names begin with; empty for all.
    tests: &'static str,
    /// Whether a run that does not end counts as a failure.
    may_hang: bool,
    seconds_max: u64,
}

const ENGINES: [Engine; 4] = [
    Engine { name: "shuttle", features: &[], tests: "models::", may_hang: false, seconds_max: 60 },
    Engine { name: "whole", features: &[], tests: "whole", may_hang: false, seconds_max: 60 },
    Engine {
        name: "loom",
        features: &["--features", "loom"],
        tests: "models::",
        may_hang: false,
        seconds_max: 120,
    },
    Engine {
        name: "unit",
        features: &["--features", "native"],
        tests: "",
        may_hang: true,
        seconds_max: 60,
    },
];

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Found(Duration),
    Missed,
    Skipped,
}

#[derive(Default)]
struct Options {
    first: bool,
    check: bool,
    out: Option<String>,
    names: Vec<String>,
}

fn main() {
    let options = options();
    if let Some(name) = options.names.iter().find(|name| !mutants::all().any(|m| m.name == **name))
    {
        eprintln!("there is no mutant {name}");
        exit(2);
    }
    let is_wanted = |mutant: &&Mutant| {
        options.names.is_empty() || options.names.iter().any(|n| n == mutant.name)
    };
    let header = format!("| bug | what it breaks | {} |", ENGINES.map(|e| e.name).join(" | "));
    emit(&options, &format!("{header}\n|---|---|{}", "---|".repeat(ENGINES.len())));
    let mut survivors = Vec::new();
    for mutant in mutants::all().filter(is_wanted) {
        let outcomes = try_engines(mutant, options.first);
        if !outcomes.iter().any(|outcome| matches!(outcome, Outcome::Found(_))) {
            survivors.push(mutant.name);
        }
        emit(&options, &row(mutant, &outcomes));
    }
    println!("survivors: {}", survivors.len());
    survivors.iter().for_each(|name| println!("  {name}"));
    if options.check && !survivors.is_empty() {
        exit(1);
    }
}

fn options() -> Options {
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match &*argument {
            "--first" => options.first = true,
            "--check" => options.check = true,
            "--out" => options.out = arguments.next(),
            name if name.starts_with('-') => {
                eprintln!("usage: mutants [--first] [--check] [--out FILE] [NAME...]");
                exit(2);
            }
            _ => options.names.push(argument),
        }
    }
    options
}

fn emit(options: &Options, text: &str) {
    println!("{text}");
    if let Some(path) = &options.out {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let written = file.and_then(|mut file| writeln!(file, "{text}"));
        written.unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

fn row(mutant: &Mutant, outcomes: &[Outcome]) -> String {
    let cells: Vec<String> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Found(_) => "found".to_owned(),
            Outcome::Missed => "-".to_owned(),
            Outcome::Skipped => String::new(),
        })
        .collect();
    format!("| `{}` | {} | {} |", mutant.name, mutant.breaks, cells.join(" | "))
}

fn try_engines(mutant: &Mutant, first: bool) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for engine in &ENGINES {
        let is_known = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Found(_)));
        outcomes.push(if first && is_known {
            Outcome::Skipped
        } else {
            try_engine(mutant, engine)
        });
    }
    outcomes
}

fn try_engine(mutant: &Mutant, engine: &Engine) -> Outcome {
    let Some(tests) = build(mutant, engine) else {
        eprintln!("{}: does not build for {}", mutant.name, engine.name);
        exit(1);
    };
    let start = Instant::now();
    let child = Command::new(tests)
        .arg(engine.tests)
        .env("LOOM_MAX_PREEMPTIONS", "2")
        .env("IRONSKY_SEEDS", "0..3000")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the tests were just built");
    match wait(child, Duration::from_secs(engine.seconds_max)) {
        Some(true) => Outcome::Missed,
        Some(false) => Outcome::Found(start.elapsed()),
        None if engine.may_hang => Outcome::Found(start.elapsed()),
        None => Outcome::Missed,
    }
}

/// Builds the tests with the bug in them, and returns where they are.
fn build(mutant: &Mutant, engine: &Engine) -> Option<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["test", "--no-run", "--lib", "--quiet", "--message-format=json"])
        .args(engine.features)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .env("IRONSKY_MUTANT", mutant.name)
        .output()
        .expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let key = "\"executable\":\"";
    let path = text.lines().rev().find_map(|line| line.split_once(key)?.1.split('"').next());
    output.status.success().then(|| path.map(str::to_owned)).flatten()
}

/// Whether the tests passed; nothing when they did not end in time.
fn wait(mut child: Child, time: Duration) -> Option<bool> {
    let deadline = Instant::now() + time;
    loop {
        if let Some(status) = child.try_wait().expect("the child is ours") {
            return Some(status.success());
        }
        if Instant::now() > deadline {
            child.kill().expect("the child is ours");
            child.wait().expect("the child is ours");
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
