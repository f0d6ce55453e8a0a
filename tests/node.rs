//! Whole nodes as processes: signals, the log at the end, exit status, failing starts, idleness.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{DEADLINE, programs, wait_until};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder with a config and the Lua services of a test.
struct Stage {
    dir: TempDir,
}

/// A running node; killed if the test fails.
struct Process {
    child: Child,
    log: PathBuf,
    stderr: PathBuf,
}

impl Stage {
    /// Takes the script of the service `main`; the log goes to the file `log`.
    fn new(main: &str) -> Self {
        Self::with_config(main, "")
    }

    /// As [`Self::new`], with more lines for the config.
    fn with_config(main: &str, config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let base = "harbor = 0\nthread = 2\nlogger = 'log'\nluaservice = './?.lua'\n";
        fs::write(path("config"), format!("{base}{config}\n")).unwrap();
        let head = "local skynet = require 'skynet'\nrequire 'skynet.manager'\n";
        fs::write(path("main.lua"), format!("{head}{main}\n")).unwrap();
        Self { dir }
    }

    fn start(&self) -> Process {
        let path = |name: &str| self.dir.path().join(name);
        let child = Command::new(env!("CARGO_BIN_EXE_ironsky"))
            .arg("config")
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(File::create(path("stdout")).unwrap())
            .stderr(File::create(path("stderr")).unwrap())
            .spawn()
            .unwrap();
        Process { child, log: path("log"), stderr: path("stderr") }
    }
}

impl Process {
    fn log(&self) -> String {
        fs::read(&self.log)
            .map_or_else(|_| String::new(), |text| String::from_utf8_lossy(&text).into_owned())
    }

    fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }

    #[track_caller]
    fn wait_for(&self, part: &str) {
        wait_until(|| self.log().contains(part));
    }

    #[track_caller]
    fn signal(&self, name: &str) {
        assert!(programs::signal(name, self.child.id()));
    }

    /// Waits for the end of the process.
    #[track_caller]
    fn end(mut self) -> Ended {
        let until = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "still runs; its log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        };
        Ended { status, log: self.log(), stderr: self.stderr() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process left behind.
struct Ended {
    status: ExitStatus,
    log: String,
    stderr: String,
}

impl Ended {
    #[track_caller]
    fn expect_status(&self, status: i32) {
        let Self { log, stderr, .. } = self;
        assert_eq!(self.status.code(), Some(status), "{}\n{stderr}\n{log}", self.status);
    }

    /// The lines of the log without date and time.
    fn lines(&self) -> Vec<&str> {
        self.log.lines().map(|line| line.split_once(" [").unwrap_or(("", line)).1).collect()
    }
}

#[test]
fn an_abort_writes_every_line_of_the_log() {
    let main = "skynet.start(function()
        for number = 1, 3000 do skynet.error('line', number) end
        skynet.abort()
    end)";
    for config in ["", "logger = nil"] {
        let stage = Stage::with_config(main, config);
        let ended = stage.start().end();
        ended.expect_status(0);
        let stdout = fs::read_to_string(stage.dir.path().join("stdout")).unwrap();
        let log = if config.is_empty() { &ended.log } else { &stdout };
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("] line ")).collect();
        assert_eq!(lines.len(), 3000, "{config}");
        assert!(lines.iter().zip(1..).all(|(line, n)| line.ends_with(&format!("] line {n}"))));
    }
}

#[test]
fn sigterm_and_sigint_end_the_node_in_order() {
    for name in ["TERM", "INT"] {
        let stage = Stage::new(
            "kept = setmetatable({}, { __gc = function() skynet.error 'closed' end })
            skynet.start(function()
                for number = 1, 3000 do skynet.error('line', number) end
                skynet.error 'ready'
            end)",
        );
        let process = stage.start();
        process.wait_for("ready\n");
        process.signal(name);
        let ended = process.end();
        ended.expect_status(0);
        assert_eq!(ended.stderr, "");
        let lines = ended.lines();
        assert_eq!(lines.iter().filter(|line| line.contains("] line ")).count(), 3000);
        let position = |part: &str| lines.iter().position(|line| line.ends_with(part));
        let signal = position("] signal received, the node ends").unwrap();
        assert!(position("] closed").unwrap() > signal, "{lines:#?}");
    }
}

const ENDLESS: &str = "skynet.start(function()
        skynet.fork(function() skynet.error 'looping' while true do end end)
    end)";

#[test]
fn a_second_signal_does_not_wait_for_anybody() {
    let stage = Stage::new(ENDLESS);
    let process = stage.start();
    process.wait_for("looping\n");
    process.signal("TERM");
    process.wait_for("signal received");
    process.signal("TERM");
    process.end().expect_status(128 + 15);
}

/// Takes 10 seconds.
#[test]
fn a_service_that_does_not_return_delays_the_end_for_ten_seconds_only() {
    let stage = Stage::new(ENDLESS);
    let process = stage.start();
    process.wait_for("looping\n");
    let begin = Instant::now();
    process.signal("TERM");
    let ended = process.end();
    ended.expect_status(1);
    assert!(begin.elapsed() >= Duration::from_secs(9), "{:?}", begin.elapsed());
    assert!(ended.stderr.contains("services did not end in time"), "{}", ended.stderr);
}

#[test]
fn sighup_opens_the_log_again() {
    let stage = Stage::new(
        "skynet.start(function()
            for number = 1, 1 << 30 do
                skynet.error('line', number)
                skynet.sleep(1)
            end
        end)",
    );
    let process = stage.start();
    process.wait_for("line 3\n");
    let old = stage.dir.path().join("old");
    fs::rename(&process.log, &old).unwrap();
    process.signal("HUP");
    process.wait_for("line");
    process.signal("TERM");
    let ended = process.end();
    ended.expect_status(0);
    let both = fs::read_to_string(old).unwrap() + &ended.log;
    let numbers: Vec<u32> =
        both.lines().filter_map(|line| line.split_once("] line ")?.1.parse().ok()).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u32), "{numbers:?}");
}

#[test]
fn an_abort_may_say_how_the_process_ends() {
    let stage = Stage::new("require('skynet.core').command('ABORT', '7')");
    stage.start().end().expect_status(7);
}

/// A first service that cannot start ends the process with status 1.
#[track_caller]
fn check_failed_start(config: &str, in_log: &str, in_stderr: &str) {
    let ended = Stage::with_config("", config).start().end();
    ended.expect_status(1);
    assert!(ended.log.contains(in_log), "{config}: {in_log} is not in the log:\n{}", ended.log);
    assert_eq!(ended.stderr, in_stderr, "{config}");
}

#[test]
fn a_node_without_its_first_services_ends_with_status_1() {
    check_failed_start(
        "bootstrap = 'nobody'",
        "] error: no native service \"nobody\"\n",
        "Bootstrap error : nobody\n",
    );
    check_failed_start("logservice = 'nobody'", "", "Can't launch nobody service\n");
    check_failed_start("logger = 'no/such/folder'", "", "Can't launch logger service\n");
    let missing = "error: the first service could not start; the node ends\n";
    check_failed_start("bootstrap = 'snlua nobody'", missing, "");
    check_failed_start("bootstrap = 'snlua nobody'", "cannot open ./nobody.lua", "");
    check_failed_start("lualoader = 'nowhere.lua'", "Can't load nowhere.lua : ", "");
    check_failed_start("preload = 'nowhere.lua'", "cannot open nowhere.lua", "");
}

/// Without its start service, and with nothing else to run, the node ends; the log says why.
#[track_caller]
fn check_failed_main(stage: &Stage, in_log: &[&str]) {
    let ended = stage.start().end();
    ended.expect_status(1);
    let nothing = "error: the start service could not start and nothing else runs; the node ends";
    for part in in_log.iter().copied().chain([nothing]) {
        assert!(ended.log.contains(part), "{part} is not in the log:\n{}", ended.log);
    }
}

#[test]
fn a_start_service_that_fails_is_explained_in_the_log() {
    check_failed_main(&Stage::new("x = = 1"), &["main.lua:3: unexpected symbol near '='"]);
    check_failed_main(&Stage::new("nothing()"), &["main.lua:3: attempt to call a nil value"]);
    let stage = Stage::new("skynet.start(function() error 'not today' end)");
    check_failed_main(&stage, &["init service failed: ", "not today"]);
    // The services of the cluster alone are of no use.
    let stage = Stage::new(
        "local cluster = require 'skynet.cluster'
        skynet.start(function() cluster.reload { here = '192.0.2.1:7' }; cluster.open 'here' end)",
    );
    check_failed_main(&stage, &["cannot listen on 192.0.2.1:7"]);
    let stage = Stage::with_config("", "start = 'nobody'");
    check_failed_main(&stage, &["lua loader error : ", "cannot open ./nobody.lua"]);
}

/// How often the threads of a process gave up the processor on their own.
fn switches(process: &Process) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{}/task", process.child.id())).unwrap();
    let of_task = |path: PathBuf| {
        let status = fs::read_to_string(path.join("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.unwrap().trim().parse::<u64>().unwrap()
    };
    tasks.map(|task| of_task(task.unwrap().path())).sum()
}

/// Takes up to 9 seconds: the watcher lets go 5 to 10 seconds after the last message.
#[test]
fn an_idle_node_does_not_wake_up() {
    let stage =
        Stage::with_config("skynet.start(function() skynet.error 'ready' end)", "thread = 8");
    let process = stage.start();
    process.wait_for("ready\n");
    let window = Duration::from_secs(2);
    let mut counts = Vec::new();
    // Not even in the worst window after the start is it busy: at most a look of the watcher.
    for _ in 0..4 {
        let before = switches(&process);
        std::thread::sleep(window);
        counts.push(switches(&process) - before);
    }
    assert!(counts[1..].iter().all(|count| *count < 5), "wake-ups in 2 s each: {counts:?}");
    process.signal("TERM");
    process.end().expect_status(0);
}

#[test]
fn many_workers_start_and_end() {
    let main = "skynet.start(function() skynet.error 'ready' skynet.abort() end)";
    let ended = Stage::with_config(main, "thread = 200").start().end();
    ended.expect_status(0);
    assert!(ended.log.contains("ready"));
}

#[test]
fn check_has_nothing_to_say_about_a_good_config() {
    let stage = Stage::new("");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ironsky"));
    let output = programs::output(command.args(["check", "config"]).current_dir(stage.dir.path()));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "nothing to complain about\n");
    assert!(output.status.success());
}
