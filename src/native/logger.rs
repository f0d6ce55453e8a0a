//! The built-in log service: one line a TEXT message. Spec: runtime section 11.2.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::local_time::LocalClock;
use super::log_line;
use crate::message::{Kind, Message};
use crate::node::{Context, StartError};
use crate::service::Service;

/// Writes log lines to a file, or to standard output.
pub(super) struct Logger {
    context: Context,
    output: Output,
    clock: LocalClock,
    line: Vec<u8>,
}

enum Output {
    Stdout,
    File { path: PathBuf, file: File },
}

impl Logger {
    /// Opens the log. The argument is the file's path; without one lines go to standard output.
    pub(super) fn start(
        context: &Context,
        args: Option<&[u8]>,
    ) -> Result<Box<dyn Service>, StartError> {
        let output = match args {
            None => Output::Stdout,
            Some(path) => {
                let path = PathBuf::from(OsStr::from_bytes(path));
                let file = open(&path)
                    .map_err(|error| StartError(format!("log file {}: {error}", path.display())))?;
                Output::File { path, file }
            }
        };
        let context = context.clone();
        Ok(Box::new(Self { context, output, clock: LocalClock::default(), line: Vec::new() }))
    }

    /// Writes and flushes one line. A full disk or a closed pipe must not stop the node.
    fn write(&mut self, message: &Message) {
        self.line.clear();
        let source = message.source.bits();
        let text = message.payload.as_bytes();
        match &mut self.output {
            Output::Stdout => {
                log_line::push_plain(&mut self.line, source, text);
                let mut out = io::stdout().lock();
                let _ = out.write_all(&self.line).and_then(|()| out.flush());
            }
            Output::File { file, .. } => {
                let clock = self.context.node().clock();
                let now = clock.now();
                let time = self.clock.at((clock.start_seconds() + now / 100) as i64);
                log_line::push_dated(&mut self.line, time, now % 100, source, text);
                let _ = file.write_all(&self.line);
            }
        }
    }

    /// Opens the file again, for log rotation. If that fails the old file stays in use.
    fn reopen(&mut self) {
        if let Output::File { path, file } = &mut self.output {
            match open(path) {
                Ok(new) => *file = new,
                Err(error) => {
                    let line = format!("error: cannot reopen log {}: {error}", path.display());
                    self.context.log(&line);
                }
            }
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

impl Service for Logger {
    fn dispatch(&mut self, message: Message) {
        match message.kind {
            Kind::TEXT => self.write(&message),
            Kind::SYSTEM => self.reopen(),
            _ => {}
        }
    }
}
