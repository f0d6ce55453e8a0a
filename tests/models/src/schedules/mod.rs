//! Bytes that choose what threads do and in which order they run: what a fuzzer can search.
//!
//! Called by the targets of `fuzz/`, one each, and by `tests/fuzz.rs` with the committed inputs.
//! The first [`SCRIPT_BYTES`] bytes say what the threads do, the others when they switch
//! (`scheduler`), so an input is a history and its schedule, and replays. A body panics when a
//! promise is broken; a thread that is never woken is a deadlock, which the engine reports.

mod lock;
mod mailbox;
mod parking;
mod scheduler;
mod timer;

use shuttle::{Config, FailurePersistence, MaxSteps, Runner, thread};

pub use lock::{reentrant, rw_fair};
pub use mailbox::mailbox;
pub use parking::{parker, run_queue};
pub use timer::timer;

use scheduler::Bytes;

/// The targets by their names.
pub const TARGETS: [(&str, fn(&[u8])); 7] = [
    ("schedule_mailbox", mailbox),
    ("schedule_run_queue", run_queue),
    ("schedule_rw_fair", rw_fair),
    ("schedule_reentrant", reentrant),
    ("schedule_parker", parker),
    ("schedule_timer", timer),
    ("schedule_whole", whole),
];

/// What the threads do: so many bytes, zeros where the input is shorter.
const SCRIPT_BYTES: usize = 16;

/// More steps than any schedule needs that does not only spin.
const STEPS_MAX: usize = 20_000;

type Script = [u8; SCRIPT_BYTES];

/// The whole scheduler: the script is the seed of its plan.
pub fn whole(bytes: &[u8]) {
    let (script, schedule) = split(bytes);
    let seed = u64::from_le_bytes(script[..8].try_into().expect("a script has eight bytes"));
    crate::whole::play(seed, Bytes::new(schedule));
}

fn split(bytes: &[u8]) -> (Script, &[u8]) {
    let (head, schedule) = bytes.split_at(bytes.len().min(SCRIPT_BYTES));
    let mut script = [0; SCRIPT_BYTES];
    script[..head.len()].copy_from_slice(head);
    (script, schedule)
}

/// Runs `body` once, in the schedule of the input.
fn play(bytes: &[u8], body: fn(Script)) {
    let (script, schedule) = split(bytes);
    let mut config = Config::new();
    config.stack_size = 0x1_0000;
    config.silence_warnings = true;
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::ContinueAfter(STEPS_MAX);
    Runner::new(Bytes::new(schedule), config).run(move || body(script));
}

/// Runs the bodies in threads of the model and waits for all.
fn together(bodies: Vec<Box<dyn FnOnce() + Send>>) {
    let threads: Vec<_> = bodies.into_iter().map(thread::spawn).collect();
    for thread in threads {
        thread.join().expect("a failed thread has failed the execution");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_takes_any_bytes() {
        let mut state = 1_u64;
        for (name, target) in TARGETS {
            println!("{name}");
            target(&[]);
            for length in 0..400 {
                let bytes: Vec<u8> = (0..length)
                    .map(|_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        (state >> 33) as u8
                    })
                    .collect();
                target(&bytes);
            }
        }
    }
}
