//! What the tests of whole nodes share: services made of closures, a log that can be read, and
//! waiting with a deadline.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod nodes;
pub(crate) mod programs;

use ironsky::app::App;
use ironsky::config::Config;
use ironsky::message::{Address, Kind, Message, Payload, Session};
use ironsky::node::{Context, Running, StartError};
use ironsky::service::Service;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Long enough for anything that happens at all, on a loaded machine with two cores.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A service made of a closure.
pub(crate) struct Fn<F>(pub(crate) F);

impl<F: FnMut(Message) + Send> Service for Fn<F> {
    fn dispatch(&mut self, message: Message) {
        (self.0)(message);
    }
}

/// What the start function of a service returns.
pub(crate) type Started = Result<Box<dyn Service>, StartError>;

/// Makes the service whose messages the closure handles.
pub(crate) fn handled_by(handle: impl FnMut(Message) + Send + 'static) -> Started {
    Ok(Box::new(Fn(handle)))
}

/// Receives, and fails when nothing comes before the deadline.
#[track_caller]
pub(crate) fn receive<T>(receiver: &Receiver<T>) -> T {
    match receiver.recv_timeout(DEADLINE) {
        Ok(value) => value,
        Err(RecvTimeoutError::Timeout) => panic!("nothing came within {} s", DEADLINE.as_secs()),
        Err(RecvTimeoutError::Disconnected) => panic!("nobody is left who could send"),
    }
}

/// Accepts a connection, which must come before the deadline, as must what is read from it.
#[track_caller]
pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let mut accepted = None;
    wait_until(|| {
        accepted = listener.accept().ok();
        accepted.is_some()
    });
    let (stream, _) = accepted.unwrap();
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Waits for something that nobody tells: gives other threads the processor until it is so.
#[track_caller]
pub(crate) fn wait_until(mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < until, "not so within {} s", DEADLINE.as_secs());
        std::thread::yield_now();
    }
}

/// The lines of a log service, as `[:address] text`.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Lines {
    /// Takes a message of a log service.
    pub(crate) fn push(&self, message: &Message) {
        let text = String::from_utf8_lossy(message.payload.as_bytes()).into_owned();
        self.0.0.lock().unwrap().push(format!("[{}] {text}", message.source));
        self.0.1.notify_all();
    }

    /// All lines so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.0.lock().unwrap().clone()
    }

    /// The lines so far that hold a text.
    pub(crate) fn with(&self, part: &str) -> Vec<String> {
        self.all().into_iter().filter(|line| line.contains(part)).collect()
    }

    /// Waits for a line that holds a text, and returns it.
    #[track_caller]
    pub(crate) fn wait_for(&self, part: &str) -> String {
        let until = Instant::now() + DEADLINE;
        let mut lines = self.0.0.lock().unwrap();
        loop {
            if let Some(line) = lines.iter().find(|line| line.contains(part)) {
                return line.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no line with {part:?} in {lines:#?}");
            lines = self.0.1.wait_timeout(lines, left).unwrap().0;
        }
    }
}

/// An application without Lua: its log goes to `lines`, its first service does nothing.
pub(crate) fn app(threads: usize, lines: &Lines) -> App {
    let threads = threads.to_string();
    let pairs = [("harbor", "0"), ("thread", &*threads), ("bootstrap", "idle")];
    let lines = lines.clone();
    App::new(Config::from_pairs(pairs).unwrap())
        .service("idle", |_, _| handled_by(|_| {}))
        .service("logger", move |_, _| {
            let lines = lines.clone();
            handled_by(move |message| lines.push(&message))
        })
        .service("echo", |context, _| {
            let context = context.clone();
            handled_by(move |message| context.respond(&message, message.payload.as_bytes()))
        })
}

/// Starts a service of a kind that the application knows.
#[track_caller]
pub(crate) fn launch(running: &Running, kind: &str) -> Address {
    running.node().launch(kind, None).unwrap_or_else(|| panic!("{kind} did not start"))
}

/// Sends without expecting an answer.
#[track_caller]
pub(crate) fn send(from: &Context, to: Address, text: &str) {
    request(from, to, Session::NONE, text);
}

/// Sends under a session of the test's choice.
#[track_caller]
pub(crate) fn request(from: &Context, to: Address, session: Session, text: &str) {
    let source = from.address();
    let message = Message { source, session, kind: Kind::TEXT, payload: Payload::from(text) };
    from.send(to, message).unwrap();
}

/// The text of a message.
pub(crate) fn text(message: &Message) -> String {
    String::from_utf8_lossy(message.payload.as_bytes()).into_owned()
}

/// A small generator of numbers for tests with a seed (xorshift).
pub(crate) struct Random(u64);

impl Random {
    /// Starts from a seed; the test prints it.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

/// The seed of this run: `IRONSKY_SEED`, or the clock's. Printed, so that a failure shows it.
pub(crate) fn seed() -> u64 {
    let now = || std::time::UNIX_EPOCH.elapsed().map_or(1, |now| now.as_nanos() as u64 % 1_000_000);
    let seed = std::env::var("IRONSKY_SEED").map_or_else(|_| now(), |text| text.parse().unwrap());
    println!("IRONSKY_SEED={seed}");
    seed
}
