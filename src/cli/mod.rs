//! The command line: what `ironsky` does with its arguments, and with which exit code it ends.
//!
//! `main.rs` calls [`main`] and passes the rest of the program as a [`Program`], so this layer can
//! be tested without a node. Exit codes: the node's own after an orderly end (usually 0), 1 when it
//! cannot start or `check` finds errors, 2 for arguments that make no sense.
//!
//! Everything up to [`Program::run_node`] happens in one thread: daemon mode forks.

mod about;
mod args;
mod diagnostics;
#[cfg(feature = "lab")]
mod lab;

use crate::config::{self, Config, Finding, Severity};
use crate::node::daemon;
use about::About;
use args::Request;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// What the command line starts; implemented beside `fn main`.
pub trait Program {
    /// Names the allocator of this process, for `--version`.
    fn allocator(&self) -> &'static str;

    /// Says whether the binary carries the file of that name, such as `service/launcher.lua`.
    fn is_embedded(&self, path: &str) -> bool;

    /// Runs a node until its orderly end and returns the exit code.
    ///
    /// # Errors
    ///
    /// Why it cannot start; the text goes to the standard error output as it is.
    fn run_node(&self, config: Config) -> anyhow::Result<u8>;

    /// Shows what this program is, when it is started without arguments.
    ///
    /// # Errors
    ///
    /// As for [`Program::run_node`].
    fn run_demo(&self) -> anyhow::Result<u8>;
}

/// Does what the arguments of the process ask for.
pub fn main(program: &dyn Program) -> ExitCode {
    match args::parse(std::env::args_os()) {
        Ok(request) => serve(program, request),
        Err(error) => {
            // Nothing is left to do when even this cannot be written.
            let _ = error.print();
            ExitCode::from(error.exit_code() as u8)
        }
    }
}

fn serve(program: &dyn Program, request: Request) -> ExitCode {
    match request {
        Request::Version => print(&About { allocator: program.allocator() }.to_string()),
        Request::Check(path) => check(program, &path),
        #[cfg(feature = "lab")]
        Request::Lab(arguments) => lab::lab(&arguments, program.allocator()),
        Request::Demo => run(|| program.run_demo()),
        Request::Node(path) => run(|| start(program, &path)),
    }
}

fn run(action: impl FnOnce() -> anyhow::Result<u8>) -> ExitCode {
    diagnostics::set_up();
    match action() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // The standard error output may be closed; the exit code still tells.
            let _ = writeln!(io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(program: &dyn Program, path: &Path) -> anyhow::Result<u8> {
    let config = Config::load(path)?;
    let pid_file = config.daemon.as_deref().map(daemon::detach).transpose()?;
    let code = program.run_node(config)?;
    pid_file.map_or(Ok(()), daemon::PidFile::remove)?;
    Ok(code)
}

fn check(program: &dyn Program, path: &Path) -> ExitCode {
    let findings = config::check(path, &|path| program.is_embedded(path));
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    let verdict = if lines.is_empty() { "nothing to complain about" } else { &lines.join("\n") };
    let code = print(&format!("{verdict}\n"));
    let has_errors = findings.iter().any(|finding| finding.severity == Severity::Error);
    if has_errors { ExitCode::FAILURE } else { code }
}

/// Writes to the standard output; a reader that has gone away is no reason to panic.
fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
