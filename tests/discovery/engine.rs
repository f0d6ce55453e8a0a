//! The servers of other people that a test starts.

use std::process::{Child, Command, Stdio};

use super::common::programs::signal;

/// A running server; killed at the end of the test.
pub(crate) struct Engine(Child);

impl Engine {
    /// Starts a program; `None` when it is not installed.
    pub(crate) fn start(command: &mut Command) -> Option<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.spawn() {
            Ok(child) => Some(Self(child)),
            Err(error) => {
                eprintln!(
                    "skipped: {} cannot be started: {error}",
                    command.get_program().display()
                );
                None
            }
        }
    }

    /// Ends it as a failure of the machine would.
    pub(crate) fn kill(&mut self) {
        // It may have ended before.
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }

    /// Stops the process (`STOP`) or lets it go on (`CONT`).
    pub(crate) fn signal(&self, name: &str) {
        assert!(signal(name, self.0.id()));
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It has ended already, or the test is over.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
