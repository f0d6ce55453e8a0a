//! Several nodes together: harbors and clusters, as processes on loopback.
//!
//! The scripts are in `tests/networks/`. With `IRONSKY_REFERENCE=<built checkout of skynet>` the
//! same scripts also run with a node of the reference on either side; without it, the rows that
//! need one say that they were skipped (the tests of the codecs replay captured bytes).

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "networks/security.rs"]
mod security;

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use common::wait_until;
use tempfile::TempDir;

/// What runs a node.
#[derive(Clone, Debug)]
enum Runtime {
    Ours,
    Reference(PathBuf),
}

use Runtime::Ours;

impl Runtime {
    fn reference() -> Option<Self> {
        std::env::var_os("IRONSKY_REFERENCE").map(|checkout| Self::Reference(checkout.into()))
    }

    fn root(&self) -> PathBuf {
        match self {
            Ours => env!("CARGO_MANIFEST_DIR").into(),
            Self::Reference(checkout) => checkout.clone(),
        }
    }

    fn binary(&self) -> PathBuf {
        match self {
            Ours => env!("CARGO_BIN_EXE_ironsky").into(),
            Self::Reference(checkout) => checkout.join("skynet"),
        }
    }
}

/// The pairs of runtimes that a test of two nodes runs with.
fn pairs() -> Vec<(Runtime, Runtime)> {
    let mut pairs = vec![(Ours, Ours)];
    match Runtime::reference() {
        Some(reference) => pairs.extend([(Ours, reference.clone()), (reference, Ours)]),
        None => eprintln!("skipped: nodes of the reference (IRONSKY_REFERENCE is not set)"),
    }
    pairs
}

/// A running node; killed at the end of the test.
struct Node {
    child: Child,
    dir: TempDir,
}

impl Node {
    /// Starts the script of a name, with lines for the config.
    fn start(runtime: &Runtime, script: &str, config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (root, tests) = (runtime.root(), concat!(env!("CARGO_MANIFEST_DIR"), "/tests"));
        let root = root.display();
        let text = format!(
            "thread = 2
logger = 'log'
bootstrap = 'snlua bootstrap'
start = '{script}'
lualoader = '{root}/lualib/loader.lua'
luaservice = '{tests}/networks/?.lua;{root}/service/?.lua'
snax = '{tests}/networks/?.lua'
lua_path = '{tests}/lua/?.lua;{root}/lualib/?.lua;{root}/lualib/?/init.lua'
lua_cpath = '{root}/luaclib/?.so'
cpath = '{root}/cservice/?.so'
{config}
"
        );
        fs::write(dir.path().join("config"), text).unwrap();
        let child = Command::new(runtime.binary())
            .arg(dir.path().join("config"))
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(File::create(dir.path().join("stdout")).unwrap())
            .stderr(File::create(dir.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        Self { child, dir }
    }

    fn read(&self, file: &str) -> String {
        let bytes = fs::read(self.dir.path().join(file)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits for a line of the log, and returns it from that part on.
    #[track_caller]
    fn wait_for(&self, part: &str) -> String {
        let mut line = None;
        wait_until(|| {
            let log = self.read("log");
            line = log.lines().find_map(|line| Some(line[line.find(part)?..].to_owned()));
            line.is_some()
        });
        line.unwrap()
    }

    /// Waits for the end of a script of checks, which must be good.
    #[track_caller]
    fn expect_pass(&mut self, who: &str) {
        wait_until(|| self.child.try_wait().unwrap().is_some());
        let stdout = self.read("stdout");
        let log = self.read("log");
        assert!(stdout.contains("PASS"), "{who}\n{stdout}\n{}\n{log}", self.read("stderr"));
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It has ended already, or the test is over.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ports that nothing listens on.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// The lines of the config for a node of a network of harbors; the first one is the master.
fn harbor(number: usize, ports: &[u16]) -> String {
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

#[test]
fn harbors_call_each_other() {
    for (one, two) in pairs() {
        let who = format!("harbor 1: {one:?}, harbor 2: {two:?}");
        let ports = free_ports::<3>();
        let server = Node::start(&one, "harbor_server", &harbor(1, &ports));
        server.wait_for("READY");
        let mut client = Node::start(&two, "harbor_client", &harbor(2, &ports));
        client.expect_pass(&format!("{who}\n{}", server.read("log")));
    }
}

#[test]
fn a_call_to_a_killed_harbor_fails_and_it_can_come_back() {
    let ports = free_ports::<3>();
    let watcher = Node::start(&Ours, "harbor_watcher", &harbor(1, &ports));
    for round in ["1", "2"] {
        let config = format!("{}round = {round}", harbor(2, &ports));
        let mut sleeper = Node::start(&Ours, "harbor_sleeper", &config);
        assert_eq!(watcher.wait_for(&format!("ROUND {round}")), format!("ROUND {round} hello"));
        sleeper.wait_for("HANGS");
        sleeper.kill();
        let failed = watcher.wait_for(&format!("CALL {round}"));
        assert!(failed.starts_with(&format!("CALL {round} false")), "{failed}");
        watcher.wait_for(&format!("GONE {round}"));
        let late = watcher.wait_for(&format!("LATE {round}"));
        assert!(late.starts_with(&format!("LATE {round} false")), "{late}");
    }
}

#[test]
fn clusters_call_each_other() {
    for (one, two) in pairs() {
        let who = format!("server: {one:?}, client: {two:?}");
        let [server, client] = free_ports();
        let config = format!("harbor = 0\nserver_port = {server}\nclient_port = {client}\n");
        let server = Node::start(&one, "cluster_server", &config);
        server.wait_for("READY");
        let mut client = Node::start(&two, "cluster_client", &config);
        client.expect_pass(&format!("{who}\n{}", server.read("log")));
    }
}
