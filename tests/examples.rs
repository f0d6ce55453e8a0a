//! Runs the examples, as a reader would, and looks at what they print.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::nodes::three_ports;
use common::programs;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The built example; `cargo test` builds all of them, a narrower command perhaps not.
fn example(name: &str) -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_ironsky"));
    let path = binary.parent().unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is missing: run cargo build --examples", path.display());
    path
}

/// Runs a command at the top of the tree and returns what it printed.
#[track_caller]
fn output(command: &mut Command) -> String {
    let output = programs::output(command.current_dir(root()));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{stdout}{stderr}", output.status);
    stdout
}

#[test]
fn the_lua_example_counts() {
    let text = output(Command::new(env!("CARGO_BIN_EXE_ironsky")).arg("examples/lua/config.lua"));
    assert!(text.ends_with("[:00000008] the: 2\n"), "{text}");
}

/// Runs a Lua application of `examples/` with a line for its config; returns what it logged.
#[track_caller]
fn run(name: &str, line: &str) -> String {
    let file = root().join("examples").join(name).join("config.lua");
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.lua");
    fs::write(&config, format!("include {file:?}\n{line}\n")).unwrap();
    output(Command::new(env!("CARGO_BIN_EXE_ironsky")).arg(config))
}

/// As `run`, by lines and without addresses; where there is a login, on a free port.
#[track_caller]
fn lines_of(name: &str) -> Vec<String> {
    let text = run(name, &format!("login_port = {}", three_ports()));
    text.lines().map(|line| line.split_once("] ").map_or(line, |(_, text)| text).into()).collect()
}

/// Checks that a list has these lines in this order, perhaps with others in between.
#[track_caller]
fn has_in_order(lines: &[String], wanted: &[&str]) {
    let mut left = lines.iter();
    for line in wanted {
        assert!(left.any(|l| l == line), "{line:?} is not there or too early in {lines:#?}");
    }
}

#[test]
fn the_echo_server_echoes() {
    let lines = lines_of("echo");
    has_in_order(&lines, &["echo: hello", "echo: is anybody there?", "echo: bye"]);
}

#[test]
fn two_people_chat() {
    let wanted = [
        "alice hears: * alice comes in",
        "alice hears: * bob comes in",
        "bob hears: * bob comes in",
        "bob hears: alice: hello, bob",
        "alice hears: bob: hello, alice",
        "alice hears: * bob goes",
    ];
    has_in_order(&lines_of("chat"), &wanted);
}

#[test]
fn a_client_that_comes_back_gets_its_answer() {
    let wanted = [
        "client: a wrong password gives 401 Unauthorized",
        "client: logged in as number 1",
        "client: connection 1 200 OK",
        "client: connection 2 200 OK",
        "client: answer 1 true WHO IS THERE?",
        "server: robinson asks: good night",
        "client: answer 2 true GOOD NIGHT",
    ];
    let lines = lines_of("login");
    has_in_order(&lines, &wanted);
    assert!(!lines.iter().any(|line| line.contains("anything")), "{lines:#?}");
}

#[test]
fn bots_play_and_the_books_balance() {
    let lines = lines_of("mmo");
    let moves = lines.iter().any(|line| line.starts_with("20 bots made 2000 moves and saw "));
    let books = lines.iter().any(|line| line.ends_with(" coins: the books balance"));
    assert!(moves && books, "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("traceback")), "{lines:#?}");
}

#[test]
fn the_guests_of_the_chat_room_talk() {
    let text = run("websocket", "room_port = 0");
    for line in ["bob hears: alice: hello bob\n", "alice hears: bob has left\n"] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[test]
fn the_nodes_of_the_cluster_play() {
    let mut command = Command::new("examples/cluster/run.sh");
    let text =
        output(command.arg(env!("CARGO_BIN_EXE_ironsky")).env("PORT", three_ports().to_string()));
    for line in ["red: 9 points in round 3, 18 together\n", "store: the best player is blue\n"] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[test]
fn the_nodes_of_the_cluster_play_with_certificates() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("skipped: openssl is not here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut script = Command::new("examples/cluster/certificates.sh");
    output(script.arg(dir.path()).args(["store", "red", "blue"]));
    let mut command = Command::new("examples/cluster/run.sh");
    command.env("PORT", three_ports().to_string()).env("CONFIG", "examples/cluster/secure.lua");
    command.env("CERTIFICATES", dir.path()).arg(env!("CARGO_BIN_EXE_ironsky"));
    assert!(output(&mut command).contains("store: the best player is blue\n"));
}

#[test]
fn the_nodes_find_each_other() {
    let mut command = Command::new("examples/discovery/run.sh");
    let text = output(
        command
            .arg(env!("CARGO_BIN_EXE_ironsky"))
            .env_remove("SOURCE")
            .env("PORT", three_ports().to_string()),
    );
    for (node, next) in [("red", "green"), ("green", "blue"), ("blue", "red")] {
        let line = format!(r#"{node}: {next} says "I am {next}, and got \"hello from {node}\"""#);
        assert!(text.contains(&line), "{line} is not in {text}");
    }
}

#[test]
fn the_guide_shows_the_resolver_as_it_is() {
    let guide = fs::read_to_string(root().join("docs/src/guide/discovery.md")).unwrap();
    let text = fs::read_to_string(root().join("examples/discovery/node_file.lua")).unwrap();
    assert!(guide.contains(&text), "discovery.md shows another node_file.lua");
}

#[test]
fn a_rust_service_is_called_from_rust_and_lua() {
    let text = output(&mut Command::new(example("native_service")));
    for line in ["the answer is [Integer(40)]\n", "Lua added 2; the answer is 42\n"] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[test]
fn a_rust_module_is_required_from_lua() {
    let text = output(&mut Command::new(example("native_module")));
    for line in ["the second word is words of 2\n", "status 0, 2 words seen\n"] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[test]
fn the_scheduler_runs_under_a_lock_of_the_user() {
    let text = output(&mut Command::new(example("own_lock")));
    let lines: Vec<&str> = text.lines().collect();
    let passed = "1000 messages passed, the lock was taken more often: true";
    assert_eq!(lines, ["strategy yielding+fair+lockfree+futex", passed]);
}

#[test]
fn the_readme_shows_the_example_as_it_is() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for file in ["counter.lua", "main.lua", "config.lua"] {
        let text = fs::read_to_string(root().join("examples/lua").join(file)).unwrap();
        assert!(readme.contains(&text), "README.md shows another {file}");
    }
}
