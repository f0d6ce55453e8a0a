//! Nodes as processes: this house's executable, or the reference's.
//!
//! The scripts are in `tests/networks/` and `tests/faults/`. With `IRONSKY_REFERENCE=<built
//! checkout of skynet>` a test may start a node of the reference.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::DEADLINE;
use super::programs::signal;

/// How often somebody who waits for a line looks again: nodes under load need the processor.
const STEP: Duration = Duration::from_millis(2);

/// What runs a node.
#[derive(Clone, Debug, Default)]
pub(crate) enum Runtime {
    #[default]
    Ours,
    Reference(PathBuf),
}

impl Runtime {
    pub(crate) fn reference() -> Option<Self> {
        std::env::var_os("IRONSKY_REFERENCE").map(|checkout| Self::Reference(checkout.into()))
    }

    pub(crate) fn is_ours(&self) -> bool {
        matches!(self, Self::Ours)
    }

    fn root(&self) -> PathBuf {
        match self {
            Self::Ours => env!("CARGO_MANIFEST_DIR").into(),
            Self::Reference(checkout) => checkout.clone(),
        }
    }

    fn binary(&self) -> PathBuf {
        match self {
            Self::Ours => env!("CARGO_BIN_EXE_ironsky").into(),
            Self::Reference(checkout) => checkout.join("skynet"),
        }
    }
}

/// The pairs of runtimes that a test of two nodes runs with.
pub(crate) fn pairs() -> Vec<(Runtime, Runtime)> {
    use Runtime::Ours;
    let mut pairs = vec![(Ours, Ours)];
    match Runtime::reference() {
        Some(reference) => pairs.extend([(Ours, reference.clone()), (reference, Ours)]),
        None => eprintln!("skipped: nodes of the reference (IRONSKY_REFERENCE is not set)"),
    }
    pairs
}

/// A running node; killed at the end of the test.
pub(crate) struct Node {
    command: Command,
    child: Child,
    dir: TempDir,
}

impl Node {
    /// Starts the script of a name, with lines for the config.
    pub(crate) fn start(runtime: &Runtime, script: &str, config: &str) -> Self {
        Self::start_in(None, runtime, script, config)
    }

    /// As `start`, in a network namespace.
    pub(crate) fn start_in(
        namespace: Option<&str>,
        runtime: &Runtime,
        script: &str,
        config: &str,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (root, tests) = (runtime.root(), concat!(env!("CARGO_MANIFEST_DIR"), "/tests"));
        let root = root.display();
        let text = format!(
            "thread = 2
logger = 'log'
bootstrap = 'snlua bootstrap'
start = '{script}'
lualoader = '{root}/lualib/loader.lua'
luaservice = '{tests}/networks/?.lua;{tests}/faults/?.lua;{root}/service/?.lua'
snax = '{tests}/networks/?.lua'
lua_path = '{tests}/lua/?.lua;{root}/lualib/?.lua;{root}/lualib/?/init.lua'
lua_cpath = '{root}/luaclib/?.so'
cpath = '{root}/cservice/?.so'
{config}
"
        );
        fs::write(dir.path().join("config"), text).unwrap();
        let mut command = match namespace {
            Some(name) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", name]).arg(runtime.binary());
                command
            }
            None => Command::new(runtime.binary()),
        };
        command
            .arg(dir.path().join("config"))
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(File::create(dir.path().join("stdout")).unwrap())
            .stderr(File::create(dir.path().join("stderr")).unwrap());
        let child = command.spawn().unwrap();
        Self { command, child, dir }
    }

    /// Starts it again in its folder, after its end. The log begins anew.
    pub(crate) fn start_again(&mut self) {
        fs::rename(self.path("log"), self.path("log.before")).unwrap();
        self.child = self.command.spawn().unwrap();
    }

    /// A file of its folder.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    pub(crate) fn read(&self, file: &str) -> String {
        let bytes = fs::read(self.path(file)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits for a line of the log, and returns it from that part on.
    #[track_caller]
    pub(crate) fn wait_for(&self, part: &str) -> String {
        let until = Instant::now() + DEADLINE;
        loop {
            let log = self.read("log");
            // The last line may not be complete yet.
            let whole = log.rfind('\n').map_or("", |end| &log[..end]);
            if let Some(line) = whole.lines().find_map(|line| line.find(part).map(|at| &line[at..]))
            {
                return line.to_owned();
            }
            let late = Instant::now() > until;
            assert!(!late, "no line with {part:?} in\n{log}\n{}", self.read("log.before"));
            thread::sleep(STEP);
        }
    }

    /// Waits for the end of the process; `None` when it does not come.
    pub(crate) fn end(&mut self) -> Option<ExitStatus> {
        let until = Instant::now() + DEADLINE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            thread::sleep(STEP);
        }
        None
    }

    /// As `end`, which must come.
    #[track_caller]
    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        self.end().unwrap_or_else(|| panic!("it does not end\n{}", self.read("log")))
    }

    /// Waits for the end of a script of checks, which must be good.
    #[track_caller]
    pub(crate) fn expect_pass(&mut self, who: &str) {
        self.wait_for_end();
        let stdout = self.read("stdout");
        let log = self.read("log");
        assert!(stdout.contains("PASS"), "{who}\n{stdout}\n{}\n{log}", self.read("stderr"));
    }

    /// Ends the process as a failure of the machine would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops the process (`STOP`) or lets it go on (`CONT`).
    pub(crate) fn signal(&self, name: &str) {
        assert!(signal(name, self.child.id()));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It has ended already, or the test is over.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ports that nothing listens on. They are not among those that the system gives to connections
/// that go out, so nobody takes one while a test has its node down.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    [(); N].map(|()| {
        loop {
            // Relaxed: a counter. Tests that run as several processes begin at different places.
            let at = NEXT.fetch_add(1, Ordering::Relaxed);
            let port = 12_000 + (at.wrapping_add((std::process::id() as u16) << 5)) % 20_000;
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                break port;
            }
        }
    })
}

/// The first of three ports in a row that nothing listens on.
pub(crate) fn three_ports() -> u16 {
    loop {
        let [first, second, third] = free_ports();
        if first + 1 == second && second + 1 == third {
            return first;
        }
    }
}

/// The lines of the config for a node of a network of harbors; the first one is the master.
pub(crate) fn harbor(number: usize, ports: &[u16]) -> String {
    let (master, address) = (ports[0], ports[number]);
    let standalone = match number {
        1 => format!("standalone = '127.0.0.1:{master}'\n"),
        _ => String::new(),
    };
    format!(
        "harbor = {number}\nmaster = '127.0.0.1:{master}'\naddress = '127.0.0.1:{address}'\n\
         {standalone}"
    )
}
