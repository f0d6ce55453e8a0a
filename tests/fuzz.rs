//! Plays random histories through the models of `fuzz/`, so that every run of the tests does a
//! little of what the fuzzer does for hours. Prints its seed.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "../fuzz/models/mailbox.rs"]
mod mailbox;
#[path = "../fuzz/models/seri.rs"]
mod seri;
#[path = "../fuzz/models/timer.rs"]
mod timer;

use common::{Random, seed};

fn play(model: fn(&[u8]), histories: usize, length_max: usize) {
    let mut random = Random::new(seed());
    for _ in 0..histories {
        let length = random.below(length_max);
        let history: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        model(&history);
    }
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
