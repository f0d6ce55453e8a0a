//! Plays random histories through the bodies of `fuzz/`, so that every run of the tests does a
//! little of what the fuzzer does for hours, and the committed inputs through all of them. Prints
//! its seed.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "../fuzz/models/config.rs"]
mod config;
#[path = "../fuzz/models/http.rs"]
mod http;
#[path = "../fuzz/models/login.rs"]
mod login;
#[path = "../fuzz/models/mailbox.rs"]
mod mailbox;
#[path = "../fuzz/models/netpack.rs"]
mod netpack;
#[path = "../fuzz/models/seri.rs"]
mod seri;
#[path = "../fuzz/models/timer.rs"]
mod timer;
#[path = "../fuzz/models/websocket.rs"]
mod websocket;

use common::{Random, seed};
use ironsky_models::schedules;
use std::path::Path;

/// What plays bytes.
type Body = fn(&[u8]);

fn play(model: Body, histories: usize, length_max: usize) {
    let mut random = Random::new(seed());
    for _ in 0..histories {
        let length = random.below(length_max);
        let history: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        model(&history);
    }
}

/// Plays the committed inputs of a target. Returns how many there are.
fn replay(target: &str, body: Body) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let played = files.map(|path| {
        println!("{}", path.display());
        body(&std::fs::read(path).unwrap());
    });
    played.count()
}

#[test]
fn mailboxes_and_registry_agree_with_a_plain_model() {
    play(mailbox::run, 2_000, 400);
}

#[test]
fn the_timer_wheel_agrees_with_a_heap() {
    play(timer::run, 2_000, 400);
}

#[test]
fn any_bytes_are_a_message_or_an_error() {
    play(seri::run, 20_000, 60);
}

#[test]
fn any_bytes_are_a_message_of_http_or_refused() {
    play(http::run, 20_000, 200);
}

#[test]
fn any_bytes_are_frames_or_refused() {
    play(websocket::run, 20_000, 200);
}

#[test]
fn any_text_is_a_config_or_a_refusal() {
    play(config::run, 2_000, 60);
}

#[test]
fn any_bytes_are_packets_however_they_are_cut() {
    play(netpack::run, 20_000, 300);
}

#[test]
fn any_lines_are_a_login_or_a_refusal() {
    play(login::run, 5_000, 100);
}

#[test]
fn the_committed_inputs_of_the_models_still_hold() {
    let targets: [(&str, Body); 8] = [
        ("http", http::run),
        ("websocket", websocket::run),
        ("mailbox", mailbox::run),
        ("timer", timer::run),
        ("seri", seri::run),
        ("config", config::run),
        ("netpack", netpack::run),
        ("login", login::run),
    ];
    for (target, body) in targets {
        assert!(replay(target, body) > 0, "no inputs of {target} are committed");
    }
}

#[test]
fn the_committed_schedules_still_hold() {
    for (target, body) in schedules::TARGETS {
        assert!(replay(target, body) > 0, "no schedules of {target} are committed");
    }
}

#[test]
fn any_bytes_are_a_schedule_that_holds() {
    for (_, body) in schedules::TARGETS {
        play(body, 300, 120);
    }
}
