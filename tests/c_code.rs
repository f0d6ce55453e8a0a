//! C code that is loaded unchanged: Lua modules on `lua_cpath`, as the executable exports the Lua C
//! API, and services on `cpath`, as it exports skynet's.
//!
//! Without a C compiler (`cc`) there is nothing to load, and the tests say so and pass.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(60);

/// Compiles the probe of a folder beside this file into `dir`; false when there is no compiler.
fn compile(folder: &str, dir: &Path) -> bool {
    let source = format!("{}/tests/{folder}/probe.c", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-o"]).arg(dir.join("probe.so")).arg(source);
    match command.status() {
        Ok(status) => {
            assert!(status.success(), "cc ended with {status}");
            true
        }
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => panic!("cc: {error}"),
    }
}

fn write_config(folder: &str, dir: &Path) {
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    let config = format!(
        r#"thread = 2
harbor = 0
start = "main"
logger = "{dir}/node.log"
luaservice = "{tests}/{folder}/?.lua"
lua_path = "{tests}/lua/?.lua"
lua_cpath = "{dir}/?.so"
cpath = "{dir}/?.so"
"#,
        dir = dir.display()
    );
    fs::write(dir.join("config"), config).unwrap();
}

/// Runs the node to its end and returns what it printed.
fn run(dir: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ironsky"));
    command.arg("config").current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let ended = stdout.read_to_string(&mut text).map(|_| text);
        sender.send(ended)
    });
    let text = receiver.recv_timeout(DEADLINE);
    if text.is_err() {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    let text = text.expect("the node ends in time").unwrap();
    assert!(status.success(), "ended with {status}, after\n{text}");
    text
}

/// Compiles the probe of a folder, and lets the scripts beside it try it.
fn check(folder: &str) {
    let dir = tempfile::tempdir().unwrap();
    if !compile(folder, dir.path()) {
        println!("skipped: there is no C compiler `cc`");
        return;
    }
    fs::write(dir.path().join("broken.so"), "this is no shared object").unwrap();
    write_config(folder, dir.path());
    let text = run(dir.path());
    assert!(text.lines().any(|line| line == "PASS"), "{text}");
}

#[test]
fn a_c_module_loads_and_works() {
    check("c_module");
}

#[test]
fn a_c_service_runs_unchanged() {
    check("c_service");
}
