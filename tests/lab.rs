//! `ironsky lab` from outside: a tiny run, a run that Ctrl-C stops, options that make no sense.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "common/programs.rs"]
mod programs;

use programs::{finish, output, signal};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ironsky::lab::record::Report;

fn lab(dir: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ironsky"));
    command.arg("lab").args(args.split_whitespace()).current_dir(dir);
    command
}

fn report(dir: &Path) -> Report {
    serde_json::from_str(&fs::read_to_string(dir.join("report.json")).unwrap()).unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_tiny_run_writes_every_form_of_its_report() {
    let dir = tempfile::tempdir().unwrap();
    let args = "--only exclusive --locks mutex,std --threads 2 --section 1us --rounds 2 --cell 3 \
                --out made/here";
    let Output { status, stdout, stderr } = output(&mut lab(dir.path(), args));
    assert!(status.success(), "{}", text(&stderr));
    for part in ["exclusive/t2/s1000", "mutex", "std", "Written:", "made/here/report.html"] {
        assert!(text(&stdout).contains(part), "{part} is not in {}", text(&stdout));
    }
    assert!(text(&stderr).contains("left: exclusive/t2/s1000, "), "{}", text(&stderr));
    let out = dir.path().join("made/here");
    for name in ["report.html", "report.md", "samples.csv", "report.json"] {
        assert!(fs::metadata(out.join(name)).unwrap().len() > 0, "{name}");
    }
    let report = report(&out);
    assert!(report.complete);
    assert!(report.command.starts_with("ironsky lab --only exclusive"), "{}", report.command);
    let subjects: Vec<&str> =
        report.questions[0].answers.iter().map(|answer| answer.subject.as_str()).collect();
    assert_eq!(subjects, ["mutex", "std"]);
    assert!(report.questions[0].answers.iter().all(|answer| answer.samples.len() == 2));
}

#[test]
fn actors_are_measured_under_strategies() {
    let dir = tempfile::tempdir().unwrap();
    let args =
        "actors --only ring,fair+write+locked+condvar --workers 2 --rounds 3 --cell 3 --out r";
    let Output { status, stdout, stderr } = output(&mut lab(dir.path(), args));
    assert!(status.success(), "{}", text(&stderr));
    assert!(text(&stdout).contains("actors/ring/w2"), "{}", text(&stdout));
    let report = report(&dir.path().join("r"));
    let subjects = report.questions[0].answers.iter().map(|answer| answer.subject.as_str());
    assert!(subjects.collect::<Vec<_>>().contains(&"fair+write+locked+condvar"));
    assert_eq!(report.advice.len(), 1);
    assert!(report.machine.cores > 0 && report.command.contains("lab actors"));
}

#[test]
fn parts_refuse_what_makes_no_sense() {
    check_refused("actors --workers 0", &["--workers \"0\"", "1 to 256"]);
    check_refused("actors --rounds 0", &["--rounds", "1 to 1000"]);
    check_refused("actors --only nonsense", &["nonsense", "fan-out"]);
    check_refused("lua --only nonsense", &["nonsense", "nojemalloc"]);
}

#[test]
fn a_lua_workload_without_a_source_tree_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let output = output(&mut lab(dir.path(), "lua config --source ."));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no source tree of ironsky in ."));
}

#[test]
fn a_lua_workload_that_is_not_there_is_told_before_anything_is_built() {
    let dir = tempfile::tempdir().unwrap();
    let output = output(&mut lab(dir.path(), "lua none.lua"));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("none.lua: No such file"), "{}", text(&output.stderr));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_writes_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let args = "--only exclusive --locks mutex,std --threads 1 --rounds 1000 --cell 50 --out .";
    let mut command = lab(dir.path(), args);
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The progress is told after the handler of the signal was set up.
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(" left: ")));
    assert!(signal("INT", run.id()));
    let output = finish(run);
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stdout));
    let report = report(dir.path());
    assert!(!report.complete);
    let samples = report.questions.iter().flat_map(|question| &question.answers);
    assert!(samples.map(|answer| answer.samples.len()).sum::<usize>() >= 1);
}

#[track_caller]
fn check_refused(args: &str, parts: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let output = output(&mut lab(dir.path(), args));
    let stderr = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{args}: {stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{part} is not in {stderr}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{args}");
}

#[test]
fn options_that_make_no_sense_are_refused_with_what_is_allowed() {
    check_refused("--threads 0", &["--threads \"0\"", "1 to 256"]);
    check_refused("--section 5s", &["--section \"5s\"", "0 to 100ms"]);
    check_refused("--reads 101", &["--reads \"101\"", "0 to 100"]);
    check_refused("--rounds 0", &["--rounds \"0\"", "1 to 1000"]);
    check_refused("--profile fast", &["quick, standard or full"]);
    check_refused("--locks nothing", &["--locks \"nothing\"", "parking_lot 0.13"]);
    check_refused("--only nothing", &["--only \"nothing\"", "blocking-rw/4r4w"]);
    check_refused("--replay none.json", &["--replay none.json", "No such file"]);
    check_refused("--unknown", &["--unknown"]);
}

#[test]
fn a_profile_is_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let profile = r#"[{"class": "registry", "kind": "shared", "threads": 2, "reads_permille": 990,
        "hold_ns": 50, "outside_ns": 500, "acquisitions": 1000, "collisions": 3}]"#;
    fs::write(dir.path().join("p.json"), profile).unwrap();
    let args = "--replay p.json --locks rw-fair,std --rounds 1 --cell 3 --out .";
    let output = output(&mut lab(dir.path(), args));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report = report(dir.path());
    assert_eq!(report.questions[0].name, "replay/registry");
    assert_eq!(report.questions[0].conditions.reads_permille, Some(990));
    assert_eq!(report.advice[0].purpose, "this workload");
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let args = "--only exclusive/t1 --locks mutex --rounds 1 --cell 1 --out file";
    let output = output(&mut lab(dir.path(), args));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot be written"), "{}", text(&output.stderr));
}

#[test]
fn help_teaches_by_examples() {
    let dir = tempfile::tempdir().unwrap();
    let output = output(&mut lab(dir.path(), "--help"));
    assert!(output.status.success());
    for part in ["ironsky lab --profile standard", "--replay", "[default: quick]"] {
        assert!(text(&output.stdout).contains(part), "{part} is not in {}", text(&output.stdout));
    }
}
