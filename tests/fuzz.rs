//! Plays random histories through the bodies of `fuzz/`, so that every run of the tests does a
//! little of what the fuzzer does for hours, and the committed inputs through all of them. Prints
//! its seed.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../fuzz/models/cluster.rs"]
mod cluster;
#[path = "../fuzz/models/cluster_handshake.rs"]
mod cluster_handshake;
mod common;
#[path = "../fuzz/models/config.rs"]
mod config;
#[path = "../fuzz/models/dns.rs"]
mod dns;
#[path = "../fuzz/models/harbor.rs"]
mod harbor;
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
#[path = "../fuzz/models/sproto.rs"]
mod sproto;
#[path = "../fuzz/models/timer.rs"]
mod timer;
#[path = "../fuzz/models/websocket.rs"]
mod websocket;
#[path = "../fuzz/models/wires.rs"]
mod wires;

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

/// Returns the committed inputs of a target.
fn inputs(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let read = files.map(|path| {
        println!("{}", path.display());
        std::fs::read(path).unwrap()
    });
    read.collect()
}

/// Plays the committed inputs of a target. Returns how many there are.
fn replay(target: &str, body: Body) -> usize {
    let inputs = inputs(target);
    inputs.iter().for_each(|input| body(input));
    inputs.len()
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
fn a_node_outlives_any_bytes_on_its_ports() {
    play(wires::run, 200, 400);
    let mut random = Random::new(seed());
    for input in inputs("wires") {
        wires::run(&input);
        for _ in 0..5 {
            let mut changed = input.clone();
            change(&mut random, &mut changed);
            wires::run(&changed);
        }
    }
}

#[test]
fn any_text_is_a_config_or_a_refusal() {
    play(config::run, 2_000, 60);
}

/// The bodies that read what strangers wrote.
const READERS: [(&str, Body); 9] = [
    ("cluster", cluster::run),
    ("cluster_handshake", cluster_handshake::run),
    ("dns", dns::run),
    ("harbor", harbor::run),
    ("http", http::run),
    ("login", login::run),
    ("netpack", netpack::run),
    ("sproto", sproto::run),
    ("websocket", websocket::run),
];

#[test]
fn any_bytes_are_read_or_refused() {
    for (_, body) in READERS {
        play(body, 5_000, 60);
    }
}

/// Changes an input a little: bytes that are set, taken out, put in twice or cut off.
fn change(random: &mut Random, input: &mut Vec<u8>) {
    const TELLING: [u8; 8] = [0, 1, 2, 0x7f, 0x80, 0xc0, 0xfe, 0xff];
    let at = random.below(input.len().max(1));
    match (random.below(5), input.len()) {
        (_, 0) => input.push(random.below(256) as u8),
        (0, _) => input[at] = random.below(256) as u8,
        (1, _) => input[at] = TELLING[random.below(TELLING.len())],
        (2, _) => {
            input.remove(at);
        }
        (3, _) => input.extend_from_within(at..),
        _ => input.truncate(at),
    }
}

#[test]
fn changed_inputs_are_read_or_refused() {
    let mut random = Random::new(seed());
    for (target, body) in READERS {
        for input in inputs(target) {
            for _ in 0..40 {
                let mut changed = input.clone();
                for _ in 0..=random.below(3) {
                    change(&mut random, &mut changed);
                }
                body(&changed);
            }
        }
    }
}

#[test]
fn the_committed_inputs_of_the_models_still_hold() {
    let models: [(&str, Body); 4] = [
        ("mailbox", mailbox::run),
        ("timer", timer::run),
        ("seri", seri::run),
        ("config", config::run),
    ];
    for (target, body) in models.into_iter().chain(READERS) {
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
