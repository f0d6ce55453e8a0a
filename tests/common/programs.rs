//! Programs that a test runs to their end, with a deadline: one that hangs fails its test, which
//! says what the program had printed, and takes what it has started along.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for the slowest program on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often somebody who waits for an end looks again.
const STEP: Duration = Duration::from_millis(2);

/// Runs a program; its standard input is empty.
#[track_caller]
pub(crate) fn output(command: &mut Command) -> Output {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own, which can be killed as a whole.
    finish(command.process_group(0).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
}

/// Sends a signal to a process, or to the group of processes with the negative of this number.
/// Returns whether that was possible.
pub(crate) fn signal(name: &str, id: impl Into<i64>) -> bool {
    // The shell's own `kill`: a machine may have no program of that name.
    let order = format!("kill -s {name} -- {}", id.into());
    Command::new("sh").args(["-c", &order]).status().unwrap().success()
}

/// Waits for the end of a program, and for the ends of its streams that are piped.
#[track_caller]
pub(crate) fn finish(mut child: Child) -> Output {
    let until = Instant::now() + PATIENCE;
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let status = end_of(&mut child, until);
    if status.is_none() {
        kill(&mut child);
    }
    // Whoever the program has left behind may hold the streams.
    let rest = |stream: Option<Receiver<_>>| stream.map_or_else(Vec::new, |it| read(&it, until));
    let (stdout, stderr) = (rest(stdout), rest(stderr));
    let Some(status) = status else {
        let printed = [stdout, stderr].concat();
        let printed = String::from_utf8_lossy(&printed);
        panic!("a program has not ended after {} s; it printed:\n{printed}", PATIENCE.as_secs());
    };
    Output { status, stdout, stderr }
}

fn end_of(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    while Instant::now() < until {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        thread::sleep(STEP);
    }
    None
}

fn kill(child: &mut Child) {
    // Without a group of its own there is only the program.
    signal("KILL", -i64::from(child.id()));
    let _ = child.kill();
    child.wait().unwrap();
}

fn collect(mut stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, bytes) = channel();
    thread::spawn(move || {
        let mut some = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut some) {
            if sender.send(some[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    bytes
}

/// What comes until the stream ends or the time is over.
fn read(stream: &Receiver<Vec<u8>>, until: Instant) -> Vec<u8> {
    let left = || until.saturating_duration_since(Instant::now());
    std::iter::from_fn(|| stream.recv_timeout(left()).ok()).flatten().collect()
}
