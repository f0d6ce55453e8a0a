//! Daemon mode with real processes.
//!
//! A fork takes one thread along, so the process that detaches must have only one: this test is
//! its own program without the usual harness. Started with `detach PIDFILE SOCKET` it becomes the
//! daemon, reports over the socket, and ends when the socket is closed.

#[path = "common/programs.rs"]
mod programs;

use ironsky::node::daemon::detach;
use libtest_mimic::{Arguments, Failed, Trial};
use std::error::Error;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if let [_, mode, pid_file, socket] = &args[..]
        && mode == "detach"
    {
        return be_daemon(Path::new(pid_file), Path::new(socket));
    }
    let trials = vec![
        Trial::test("a_daemon_leaves_the_terminal_and_cleans_up", leaves_the_terminal),
        Trial::test("a_running_daemon_is_not_started_twice", not_twice),
        Trial::test("a_held_pid_file_stops_the_background_process", held),
        Trial::test("a_pid_file_that_cannot_be_made_is_named", cannot_be_made),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn be_daemon(pid_file: &Path, socket: &Path) -> ExitCode {
    match detach(pid_file) {
        Ok(pid_file) => {
            let mut parent = report(socket).expect("the test listens");
            parent.read_to_end(&mut Vec::new()).expect("the test closes the socket");
            pid_file.remove().expect("it exists and is ours");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Says who and where the daemon is, a line for each fact.
fn report(socket: &Path) -> Result<UnixStream, Box<dyn Error>> {
    let mut parent = UnixStream::connect(socket)?;
    writeln!(parent, "pid {}", std::process::id())?;
    writeln!(parent, "session {}", session()?)?;
    writeln!(parent, "directory {}", std::env::current_dir()?.display())?;
    for standard in 0..=2 {
        let target = fs::read_link(format!("/proc/self/fd/{standard}"))?;
        writeln!(parent, "{standard} {}", target.display())?;
    }
    parent.shutdown(Shutdown::Write)?;
    Ok(parent)
}

/// The sixth field of the status, behind the name in parentheses and three others.
fn session() -> Result<String, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/stat")?;
    let fields = status.rsplit(')').next().ok_or("no name in the status")?;
    Ok(fields.split_whitespace().nth(3).ok_or("too few fields")?.to_owned())
}

struct Stage {
    dir: TempDir,
    listener: UnixListener,
}

impl Stage {
    fn new() -> Result<Self, Box<dyn Error>> {
        let dir = tempfile::tempdir()?;
        let listener = UnixListener::bind(dir.path().join("socket"))?;
        listener.set_nonblocking(true)?;
        Ok(Self { dir, listener })
    }

    fn pid_file(&self) -> PathBuf {
        self.dir.path().join("pid")
    }

    /// Starts a daemon. Its output ends when both processes have let go of it.
    fn start(&self, pid_file: &Path) -> Result<Output, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("detach").arg(pid_file).arg(self.dir.path().join("socket"));
        Ok(programs::output(command.current_dir(self.dir.path())))
    }

    fn accept(&self) -> Result<UnixStream, Box<dyn Error>> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.listener.accept() {
                Ok((daemon, _)) => {
                    daemon.set_read_timeout(Some(DEADLINE))?;
                    return Ok(daemon);
                }
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
                Err(_) if Instant::now() > deadline => return Err("no daemon reported".into()),
                Err(_) => std::thread::yield_now(),
            }
        }
    }
}

fn leaves_the_terminal() -> Result<(), Failed> {
    let stage = Stage::new()?;
    fs::write(stage.pid_file(), "2147483647 is nobody\nand this line is old\n")?;
    let output = stage.start(&stage.pid_file())?;
    let text = (output.status.code(), output.stdout, output.stderr);
    assert_eq!(text, (Some(0), Vec::new(), Vec::new()));
    let mut daemon = stage.accept()?;
    let mut report = String::new();
    daemon.read_to_string(&mut report)?;
    let content = fs::read_to_string(stage.pid_file())?;
    let pid = content.strip_suffix('\n').ok_or("no line end")?;
    let directory = stage.dir.path().display();
    let expected = format!("pid {pid}\nsession {pid}\ndirectory {directory}\n");
    let standard = "0 /dev/null\n1 /dev/null\n2 /dev/null\n";
    assert_eq!(report, expected + standard);
    drop(daemon);
    wait_until_gone(&stage.pid_file())
}

fn wait_until_gone(path: &Path) -> Result<(), Failed> {
    let deadline = Instant::now() + DEADLINE;
    while path.exists() {
        if Instant::now() > deadline {
            return Err("the pid file was not removed".into());
        }
        std::thread::yield_now();
    }
    Ok(())
}

fn not_twice() -> Result<(), Failed> {
    let stage = Stage::new()?;
    let pid = std::process::id();
    fs::write(stage.pid_file(), format!("{pid}\n"))?;
    let output = stage.start(&stage.pid_file())?;
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr)?;
    assert_eq!(text, format!("Skynet is already running, pid = {pid}.\n"));
    Ok(())
}

fn held() -> Result<(), Failed> {
    let stage = Stage::new()?;
    let file = File::create(stage.pid_file())?;
    file.lock()?;
    for (content, complaint) in [
        ("2147483647", "Can't lock pidfile, lock is held by pid 2147483647.\n"),
        ("nobody", "Can't lock and read pidfile.\n"),
    ] {
        fs::write(stage.pid_file(), content)?;
        let output = stage.start(&stage.pid_file())?;
        let text = String::from_utf8(output.stderr)?;
        assert_eq!((output.status.code(), &*text), (Some(0), complaint));
        assert_eq!(fs::read_to_string(stage.pid_file())?, content);
    }
    Ok(())
}

fn cannot_be_made() -> Result<(), Failed> {
    let stage = Stage::new()?;
    let output = stage.start(Path::new("none/pid"))?;
    let text = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(0));
    assert!(text.starts_with("Can't create pidfile [none/pid].\n"), "{text}");
    Ok(())
}
