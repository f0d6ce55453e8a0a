//! Runs every `tests/lua/*.lua` as the start service of a node of its own: one test a file.
//!
//! A file passes when the process ends with the expected status (0) in time, printed `PASS`, and
//! the log holds the lines that the file asks for. Lines at the top of a file say how to run it:
//!
//! | line | meaning |
//! |---|---|
//! | `--! config: key = value` | a line of the config (`@DIR@`: the run's folder, `@TESTS@`: ours) |
//! | `--! log: pattern` | the log must hold such a line, after the one of the pattern before it |
//! | `--! no log: pattern` | the log must hold no such line |
//! | `--! stdout: pattern` | as `log`, for what the process prints |
//! | `--! stdin: text` | standard input is a pipe with this text (`\n` stands for a line end) |
//! | `--! stdin file: text` | standard input is a plain file with this text |
//! | `--! status: number` | the exit status to expect |
//! | `--! differs: reason` | the reference behaves otherwise on purpose; not run there |
//!
//! In a pattern `*` stands for any text; the pattern may begin anywhere in the line.
//!
//! `IRONSKY_REFERENCE=<checkout>` runs the same files on a built checkout of skynet instead, to
//! show that a test states what applications rely on and not what this house happens to do.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};

/// Long enough for the slowest file (about 10 s alone) on a loaded machine with two cores.
const DEADLINE: Duration = Duration::from_secs(120);

/// How long the streams of a process may outlive it.
const LEFT_BEHIND: Duration = Duration::from_secs(10);

/// The module that the tests share; everything else beside it is a test.
const SUPPORT: &str = "check.lua";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let target = Target::from_environment();
    let trials = files().into_iter().map(|file| trial(file, target.clone())).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lua")
}

fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("tests/lua is part of the tree");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder of the tree can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "lua"))
        .filter(|path| path.file_name().is_some_and(|name| name != SUPPORT))
        .collect();
    files.sort();
    files
}

fn trial(file: PathBuf, target: Target) -> Trial {
    let name = file.file_stem().expect("listed by extension").to_string_lossy().into_owned();
    let plan = Plan::read(&file);
    let ignored = target.is_reference && plan.differs;
    Trial::test(name.clone(), move || run(&target, &name, &plan)).with_ignored_flag(ignored)
}

/// The binary under test and the folder that holds its Lua files.
#[derive(Clone)]
struct Target {
    binary: PathBuf,
    root: PathBuf,
    is_reference: bool,
}

impl Target {
    fn from_environment() -> Self {
        match std::env::var_os("IRONSKY_REFERENCE") {
            Some(checkout) => {
                let root = PathBuf::from(checkout);
                Self { binary: root.join("skynet"), root, is_reference: true }
            }
            None => Self {
                binary: env!("CARGO_BIN_EXE_ironsky").into(),
                root: env!("CARGO_MANIFEST_DIR").into(),
                is_reference: false,
            },
        }
    }
}

/// What the lines at the top of a test file ask for.
#[derive(Default)]
struct Plan {
    config: Vec<String>,
    log: Vec<String>,
    no_log: Vec<String>,
    stdout: Vec<String>,
    stdin: Option<String>,
    stdin_is_file: bool,
    status: i32,
    differs: bool,
}

impl Plan {
    fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).expect("a test file is readable UTF-8");
        let mut plan = Self::default();
        for line in text.lines().take_while(|line| line.starts_with("--")) {
            if let Some(directive) = line.strip_prefix("--! ") {
                plan.add(directive, file);
            }
        }
        plan
    }

    fn add(&mut self, directive: &str, file: &Path) {
        let (key, value) = directive.split_once(": ").unwrap_or((directive, ""));
        let value = value.to_owned();
        match key {
            "config" => self.config.push(value),
            "log" => self.log.push(value),
            "no log" => self.no_log.push(value),
            "stdout" => self.stdout.push(value),
            "stdin" => self.stdin = Some(value.replace("\\n", "\n")),
            "stdin file" => {
                self.stdin = Some(value.replace("\\n", "\n"));
                self.stdin_is_file = true;
            }
            "status" => self.status = value.parse().expect("status is a number"),
            "differs" => self.differs = true,
            _ => panic!("{}: unknown line `--! {directive}`", file.display()),
        }
    }
}

/// What a finished process left behind.
struct Outcome {
    status: Option<ExitStatus>,
    stdout: String,
    stderr: String,
    log: String,
}

fn run(target: &Target, name: &str, plan: &Plan) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let outcome = execute(target, name, plan, dir.path())?;
    verdict(&outcome, plan).map_err(|reason| report(&reason, &outcome).into())
}

fn execute(target: &Target, name: &str, plan: &Plan, dir: &Path) -> Result<Outcome, Failed> {
    let config = dir.join("config.lua");
    fs::write(&config, config_text(target, name, plan, dir))?;
    let mut child = Command::new(&target.binary)
        .arg(&config)
        .current_dir(dir)
        .stdin(stdin_of(plan, dir)?)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdout = drain(child.stdout.take().expect("stdout is piped"));
    let stderr = drain(child.stderr.take().expect("stderr is piped"));
    let status = wait(&mut child, &stdout)?;
    Ok(Outcome {
        status,
        stdout: stdout.text(),
        stderr: stderr.text(),
        log: fs::read(dir.join("node.log")).map_or_else(|_| String::new(), lossy),
    })
}

fn config_text(target: &Target, name: &str, plan: &Plan, dir: &Path) -> String {
    let root = target.root.display();
    let tests = folder();
    let tests = tests.display();
    let extra = plan.config.join("\n").replace("@DIR@", &dir.display().to_string());
    let extra = extra.replace("@TESTS@", &tests.to_string());
    format!(
        r#"thread = 4
harbor = 0
logger = "{dir}/node.log"
logpath = "{dir}"
start = "{name}"
bootstrap = "snlua bootstrap"
lualoader = "{root}/lualib/loader.lua"
luaservice = "{tests}/?.lua;{tests}/service/?.lua;{tests}/service/?/init.lua;{root}/service/?.lua"
lua_path = "{tests}/?.lua;{root}/lualib/?.lua;{root}/lualib/?/init.lua"
lua_cpath = "{root}/luaclib/?.so"
cpath = "{root}/cservice/?.so"
{extra}
"#,
        dir = dir.display()
    )
}

fn stdin_of(plan: &Plan, dir: &Path) -> Result<Stdio, Failed> {
    let Some(text) = &plan.stdin else { return Ok(Stdio::null()) };
    if plan.stdin_is_file {
        let path = dir.join("stdin.txt");
        fs::write(&path, text)?;
        return Ok(File::open(path)?.into());
    }
    let (reader, mut writer) = std::io::pipe()?;
    std::io::Write::write_all(&mut writer, text.as_bytes())?;
    Ok(reader.into())
}

/// Collects a stream on a thread of its own, so that a full pipe never stops the process.
struct Drained {
    receiver: mpsc::Receiver<Vec<u8>>,
    bytes: std::cell::OnceCell<Vec<u8>>,
}

fn drain(mut stream: impl Read + Send + 'static) -> Drained {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A stream that breaks off leaves what arrived before; the verdict shows that.
        let _ = stream.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    Drained { receiver, bytes: std::cell::OnceCell::new() }
}

impl Drained {
    /// Returns whether the stream ended before the deadline.
    fn ended_before(&self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.receiver.recv_timeout(left) {
            Ok(bytes) => self.bytes.set(bytes).is_ok(),
            Err(_) => false,
        }
    }

    fn text(&self) -> String {
        let bytes = self.bytes.get().cloned();
        // Whoever the process has left behind may hold the stream.
        lossy(bytes.unwrap_or_else(|| self.receiver.recv_timeout(LEFT_BEHIND).unwrap_or_default()))
    }
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits for the end of the process, which ends its output; kills it at the deadline.
fn wait(child: &mut Child, stdout: &Drained) -> Result<Option<ExitStatus>, Failed> {
    if stdout.ended_before(Instant::now() + DEADLINE) {
        return Ok(Some(child.wait()?));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

fn verdict(outcome: &Outcome, plan: &Plan) -> Result<(), String> {
    let Some(status) = outcome.status else {
        return Err(format!("not finished after {} s", DEADLINE.as_secs()));
    };
    if status.code() != Some(plan.status) {
        return Err(format!("ended with {status}, expected exit status {}", plan.status));
    }
    if !outcome.stdout.lines().any(|line| line == "PASS") {
        return Err("did not print PASS".into());
    }
    in_order("log", &outcome.log, &plan.log)?;
    in_order("standard output", &outcome.stdout, &plan.stdout)?;
    match plan.no_log.iter().find(|p| outcome.log.lines().any(|line| matches(p, line))) {
        Some(pattern) => Err(format!("the log holds a line like: {pattern}")),
        None => Ok(()),
    }
}

fn in_order(what: &str, text: &str, patterns: &[String]) -> Result<(), String> {
    let mut lines = text.lines();
    for pattern in patterns {
        if !lines.any(|line| matches(pattern, line)) {
            return Err(format!("{what}: no such line at its place: {pattern}"));
        }
    }
    Ok(())
}

/// Returns whether the parts of `pattern` between its stars occur in `line` in order.
fn matches(pattern: &str, line: &str) -> bool {
    let mut rest = line;
    pattern.split('*').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

fn report(reason: &str, outcome: &Outcome) -> String {
    format!(
        "{reason}\n--- standard output\n{}--- standard error\n{}--- log\n{}",
        outcome.stdout, outcome.stderr, outcome.log
    )
}
