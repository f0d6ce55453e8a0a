//! The `ironsky` binary from outside: arguments, config errors, exit codes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "common/programs.rs"]
mod programs;

use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// A directory with a config file, where the binary runs.
struct Stage {
    dir: TempDir,
}

/// How a run ended: status, standard output, standard error.
type Run = (i32, String, String);

impl Stage {
    fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("config"), config).unwrap();
        Self { dir }
    }

    fn run(&self, args: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ironsky"));
        let output = programs::output(command.args(args).current_dir(self.dir.path()));
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

fn check_config_error(config: &str, stderr: &str) {
    let run = Stage::new(config).run(&["config"]);
    assert_eq!(run, (1, String::new(), format!("{stderr}\n")), "{config}");
}

#[test]
fn config_errors_go_to_stderr_with_status_1() {
    check_config_error("thread = 0", "Invalid thread 0 , should be in [1,1024]\n  set at config:1");
    check_config_error(
        "x = {}",
        "Invalid config table key = x\n  config:1: expected a string, a number or a boolean, \
         found a table",
    );
    check_config_error("x = = 1", "[skynet config]:1: config:1: unexpected symbol near '='");
    check_config_error("f()", "config:1: attempt to call a nil value (global 'f')");
}

#[test]
fn a_missing_config_file_is_named() {
    let (status, _, stderr) = Stage::new("").run(&["none"]);
    let missing = "[skynet config]:1: ./none: No such file or directory\n";
    assert_eq!((status, &*stderr), (1, missing));
}

#[test]
fn the_version_says_what_the_build_is_made_of() {
    let (status, stdout, stderr) = Stage::new("").run(&["--version"]);
    assert_eq!((status, &*stderr), (0, ""));
    for part in [concat!("ironsky ", env!("CARGO_PKG_VERSION"), "\n"), "Lua 5.", "allocator: "] {
        assert!(stdout.contains(part), "{part} is not in {stdout}");
    }
}

#[test]
fn help_teaches_by_examples() {
    let (status, stdout, _) = Stage::new("").run(&["--help"]);
    assert_eq!(status, 0);
    assert!(stdout.contains("ironsky check config"), "{stdout}");
}

#[test]
fn arguments_that_make_no_sense_have_status_2() {
    for args in [&["--unknown"][..], &["check"], &["check", "a", "b"]] {
        let (status, stdout, stderr) = Stage::new("").run(args);
        assert_eq!((status, &*stdout), (2, ""), "{args:?}");
        assert!(stderr.contains("Usage: ironsky "), "{stderr}");
    }
}

#[test]
fn check_reports_without_starting() {
    let config = "harbor = 0\nthread = 0\nstrat = 'x'\nlualoader = 'none'";
    let (status, stdout, _) = Stage::new(config).run(&["check", "config"]);
    assert_eq!(status, 1);
    for finding in
        ["config:2: error: thread is 0", "did you mean start?", "lualoader names a missing"]
    {
        assert!(stdout.contains(finding), "{finding} is not in {stdout}");
    }
}

#[test]
fn without_arguments_the_demo_runs_and_ends() {
    let (status, stdout, stderr) = Stage::new("").run(&[]);
    assert_eq!((status, &*stderr), (0, ""), "{stdout}");
    for part in [
        concat!("Welcome to ironsky ", env!("CARGO_PKG_VERSION"), ". "),
        "call withdraw 50 -> the balance is 75\n",
        " ms: the timer of 200 ms\n",
        "task 3 slept for 200 ms and deposited 3",
        "only 81 left, not 1000",
        "The caller goes on: pcall said false.\n",
        "A call to a service that is gone fails at once",
        "1 pair:   ",
        " calls per second\n",
        "That was all",
    ] {
        assert!(stdout.contains(part), "{part} is not in {stdout}");
    }
    assert!(stdout.contains(" lock "), "the strategy is not in {stdout}");
    assert!(!stdout.contains(":   0 calls") && !stdout.contains(":  0 calls"), "{stdout}");
}

#[test]
fn the_demo_does_not_use_files_of_the_directory_it_runs_in() {
    let stage = Stage::new("");
    for name in ["service", "lualib"] {
        fs::create_dir(stage.dir.path().join(name)).unwrap();
    }
    for name in ["service/demo.lua", "service/bootstrap.lua", "lualib/loader.lua"] {
        fs::write(stage.dir.path().join(name), "os.exit(3)").unwrap();
    }
    let (status, stdout, _) = stage.run(&[]);
    assert_eq!(status, 0, "{stdout}");
}
