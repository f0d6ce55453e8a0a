//! A caller and a callee under load: starts them, hurts them, checks what they wrote down.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::common::DEADLINE;
use super::common::nodes::{Node, Runtime, free_ports, harbor};
use super::history::{Entry, Event, check, first_ok_after, read, read_done};
use super::wires::{self, Wires};

/// Calls a second.
const RATE: u64 = 500;

pub(crate) fn is_full() -> bool {
    std::env::var("IRONSKY_FAULTS").is_ok_and(|text| text == "full")
}

/// How long a fault lasts: in this run, or at full length.
pub(crate) fn length(short_ms: u64, full_s: u64) -> Duration {
    if is_full() { Duration::from_secs(full_s) } else { Duration::from_millis(short_ms) }
}

pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// What the caller has written so far.
pub(crate) struct Tail {
    file: File,
    rest: String,
    pub(crate) entries: Vec<Entry>,
}

impl Tail {
    pub(crate) fn update(&mut self) {
        self.file.read_to_string(&mut self.rest).unwrap();
        let end = self.rest.rfind('\n').map_or(0, |end| end + 1);
        self.entries.extend(read(&self.rest[..end]));
        self.rest.drain(..end);
    }

    /// The caller is dead: what has not ended will not, as if nobody had wanted an answer.
    fn forget_calls(&mut self) {
        self.update();
        let is_end = |entry: &&Entry| !matches!(entry.event, Event::Call | Event::Push);
        let ended: HashSet<u64> = self.entries.iter().filter(is_end).map(|it| it.number).collect();
        for entry in self.entries.iter_mut().filter(|it| !ended.contains(&it.number)) {
            entry.event = Event::Push;
        }
    }

    /// Waits for a call that fails with this text in its error.
    #[track_caller]
    pub(crate) fn wait_for_error(&mut self, part: &str) {
        let has_part = |event: &Event| matches!(event, Event::Failed(text) if text.contains(part));
        let until = Instant::now() + DEADLINE;
        while !self.entries.iter().any(|entry| has_part(&entry.event)) {
            assert!(Instant::now() < until, "no call fails with {part:?}");
            thread::sleep(Duration::from_millis(10));
            self.update();
        }
    }

    /// Waits for the first call that succeeds at or after a time; returns how long that took.
    #[track_caller]
    pub(crate) fn wait_for_ok(&mut self, from_ms: u64) -> u64 {
        let until = Instant::now() + DEADLINE;
        loop {
            self.update();
            if let Some(after) = first_ok_after(&self.entries, from_ms) {
                return after;
            }
            assert!(Instant::now() < until, "no call succeeds any more");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A caller and a callee under load.
pub(crate) struct Run {
    name: &'static str,
    pub(crate) caller: Node,
    pub(crate) callee: Node,
    pub(crate) history: Tail,
    /// How long it took until calls succeeded again, after each fault.
    returns_ms: Vec<u64>,
    /// What each error has to hold: the name of the node.
    error: Option<&'static str>,
}

/// How a run is set up.
#[derive(Default)]
pub(crate) struct Setup<'a> {
    /// Seconds between signs of life.
    pub(crate) heartbeat: f64,
    /// Seconds for which the callee's machine may be silent; 0: as the system has it.
    pub(crate) silence: u64,
    /// The ports of the callee and of what stands in front of it, when that is another one.
    pub(crate) ports: Option<[u16; 2]>,
    pub(crate) wires: Option<&'a Wires>,
    pub(crate) caller: Runtime,
    pub(crate) callee: Runtime,
}

impl Run {
    pub(crate) fn cluster(name: &'static str, setup: &Setup<'_>) -> Self {
        let [own, seen] = setup.ports.unwrap_or_else(|| {
            let [port] = free_ports();
            [port; 2]
        });
        let host = if setup.wires.is_some() { wires::CALLEE } else { "127.0.0.1" };
        let config = format!("harbor = 0\ndone = 'done'\ncallee = '{host}:{own}'");
        let namespace = setup.wires.map(Wires::callee);
        let callee = Node::start_in(namespace.as_deref(), &setup.callee, "fault_callee", &config);
        callee.wait_for("LISTENS");
        let Setup { heartbeat, silence, .. } = setup;
        let config = format!(
            "harbor = 0\nrate = {RATE}\n{CALLS}\n\
             callee = '{host}:{seen}'\ncluster_heartbeat = {heartbeat}\n\
             cluster_silence = {silence}"
        );
        let namespace = setup.wires.map(Wires::caller);
        let caller = Node::start_in(namespace.as_deref(), &setup.caller, "fault_caller", &config);
        // The reference's errors say nothing.
        let error = setup.caller.is_ours().then_some("node callee");
        Self::with(name, caller, callee, error)
    }

    /// The nodes are there; waits until calls succeed.
    pub(crate) fn with(
        name: &'static str,
        caller: Node,
        callee: Node,
        error: Option<&'static str>,
    ) -> Self {
        caller.wait_for("CALLS");
        let file = File::open(caller.path("history")).unwrap();
        let history = Tail { file, rest: String::new(), entries: Vec::new() };
        let mut run = Self { name, caller, callee, history, returns_ms: Vec::new(), error };
        run.history.wait_for_ok(0);
        run
    }

    /// The fault was over at this time.
    #[track_caller]
    pub(crate) fn returned(&mut self, at_ms: u64) {
        let after = self.history.wait_for_ok(at_ms);
        self.returns_ms.push(after);
    }

    /// Kills the callee, starts it again, and waits until calls succeed.
    #[track_caller]
    pub(crate) fn kill_callee(&mut self, away: Duration) {
        self.callee.kill();
        thread::sleep(away);
        self.callee.start_again();
        let line = self.callee.wait_for("LISTENS");
        self.returned(line.split(' ').nth(1).unwrap().parse().unwrap());
    }

    /// Kills the caller, which takes its calls with it, and starts it again.
    #[track_caller]
    pub(crate) fn kill_caller(&mut self) {
        self.caller.kill();
        self.history.forget_calls();
        self.caller.start_again();
        self.returned(now_ms());
    }

    /// Lets the caller come to its end, after a while in which it finds what is left of the fault,
    /// and checks everything.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        thread::sleep(length(500, 2));
        File::create(self.caller.path("stop")).unwrap();
        // Without its end some calls have none, which the check finds.
        let _ = self.caller.end();
        self.history.update();
        self.callee.kill();
        let done = read_done(&self.callee.read("done"));
        let summary = match check(&self.history.entries, &done, self.error) {
            Ok(summary) => summary,
            Err(broken) => panic!(
                "{}: {} promises broken, such as {:?}\n{}",
                self.name,
                broken.len(),
                &broken[..broken.len().min(10)],
                self.caller.read("log")
            ),
        };
        self.returns_ms.sort_unstable();
        let Self { name, returns_ms, .. } = &self;
        let (median, most) = (returns_ms[returns_ms.len() / 2], returns_ms.last().unwrap());
        println!("{name}: {} faults, return in {median} ms, at most {most} ms", returns_ms.len());
        println!("{summary}");
        assert!(
            !is_full() || *most < 1000,
            "{name}: {returns_ms:?} ms until calls succeeded again"
        );
    }
}

/// The config of a caller.
const CALLS: &str = "history = 'history'\nstop = 'stop'";

/// The config of a caller or a callee of harbors.
pub(crate) fn load() -> String {
    format!("rate = {RATE}\ndone = 'done'\n{CALLS}")
}

pub(crate) fn start_harbor(runtime: &Runtime, script: &str, number: usize, ports: &[u16]) -> Node {
    let config = harbor(number, ports) + &load();
    Node::start(runtime, script, &config)
}
