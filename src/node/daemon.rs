//! Daemon mode: leaves the terminal, and holds the pid file that says so.
//!
//! `cli` calls [`detach`] before anything else starts, because a fork takes only the calling
//! thread along, and [`PidFile::remove`] after an orderly end. A process that is killed leaves its
//! pid file behind, unlocked, and the next start takes it over.
//!
//! The first line of each error text is the one the reference prints.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Why a process cannot become a daemon.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// The process named in the pid file is alive.
    #[error("Skynet is already running, pid = {pid}.")]
    AlreadyRunning {
        /// That process.
        pid: i32,
    },
    /// The process cannot leave its terminal.
    #[error("Can't daemonize.\n  {source}")]
    Detach {
        /// The reason.
        source: io::Error,
    },
    /// The pid file cannot be opened or made.
    #[error("Can't create pidfile [{}].\n  {source}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Another process holds the pid file.
    #[error("Can't lock pidfile, lock is held by pid {pid}.")]
    Locked {
        /// The process that the file names.
        pid: i32,
    },
    /// The pid file cannot be locked, and names no process.
    #[error("Can't lock and read pidfile.")]
    LockedByUnknown,
    /// The process id cannot be written.
    #[error("Can't write pid.\n  {source}")]
    Write {
        /// The reason.
        source: io::Error,
    },
    /// The pid file cannot be removed.
    #[error("Can't remove pidfile.\n  {source}")]
    Remove {
        /// The reason.
        source: io::Error,
    },
}

/// The locked pid file of this process; the lock lasts as long as this value.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    file: File,
}

impl PidFile {
    /// Removes the file: the process has ended orderly.
    ///
    /// # Errors
    ///
    /// [`DaemonError::Remove`] with the reason of the operating system.
    pub fn remove(self) -> Result<(), DaemonError> {
        let removed = fs::remove_file(&self.path);
        // The lock ends after the removal, so that nobody locks a file that is about to go away.
        drop(self.file);
        removed.map_err(|source| DaemonError::Remove { source })
    }
}

/// Goes on in the background, in the same directory and with `/dev/null` as standard input and
/// output; the process in the foreground ends with status 0.
///
/// # Errors
///
/// [`DaemonError::AlreadyRunning`] and [`DaemonError::Detach`] are met in the foreground, the
/// others in the background, with the standard error output still open.
pub fn detach(path: &Path) -> Result<PidFile, DaemonError> {
    if let Some(pid) = running(path) {
        return Err(DaemonError::AlreadyRunning { pid });
    }
    fork_to_background().map_err(|source| DaemonError::Detach { source })?;
    let pid_file = hold(path)?;
    redirect_standard_files().map_err(|source| DaemonError::Detach { source })?;
    Ok(pid_file)
}

/// The living process that the file names, unless it is this one.
fn running(path: &Path) -> Option<i32> {
    let pid = leading_number(&fs::read(path).ok()?)?;
    (pid != std::process::id() as i32 && is_alive(pid)).then_some(pid)
}

fn leading_number(text: &[u8]) -> Option<i32> {
    let text = text.trim_ascii_start();
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let number = std::str::from_utf8(&text[..end]).ok()?.parse().ok()?;
    (number > 0).then_some(number)
}

/// A process that may not be signalled exists all the same.
fn is_alive(pid: i32) -> bool {
    // SAFETY: the call has no precondition; signal 0 only asks, and a `pid` above 0 names one
    // process.
    let result = unsafe { libc::kill(pid, 0) };
    result == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}

fn fork_to_background() -> io::Result<()> {
    if thread_count() > 1 {
        return Err(io::Error::other("the process has several threads already"));
    }
    // SAFETY: the child may do anything only if no other thread held a lock at the time of the
    // fork. There is no other thread: it was counted above.
    match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => {}
        // SAFETY: no precondition. It does not flush buffers, which the child has copies of.
        _ => unsafe { libc::_exit(0) },
    }
    // SAFETY: no precondition.
    if unsafe { libc::setsid() } == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Counts the threads of this process, where the system tells.
fn thread_count() -> usize {
    fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

/// Opens, locks and writes the pid file.
fn hold(path: &Path) -> Result<PidFile, DaemonError> {
    let mut options = OpenOptions::new();
    // Not truncated: until it is locked, its content is another process's.
    options.read(true).write(true).create(true).truncate(false).mode(0o644);
    let create = |source| DaemonError::Create { path: path.to_owned(), source };
    let mut file = options.open(path).map_err(create)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(held_by(&mut file)),
        Err(TryLockError::Error(_)) => return Err(DaemonError::LockedByUnknown),
    }
    write_pid(&mut file).map_err(|source| DaemonError::Write { source })?;
    Ok(PidFile { path: path.to_owned(), file })
}

fn held_by(file: &mut File) -> DaemonError {
    let mut text = Vec::new();
    match file.read_to_end(&mut text).ok().and_then(|_| leading_number(&text)) {
        Some(pid) => DaemonError::Locked { pid },
        None => DaemonError::LockedByUnknown,
    }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(format!("{}\n", std::process::id()).as_bytes())
}

fn redirect_standard_files() -> io::Result<()> {
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    for standard in 0..=2 {
        // SAFETY: both are descriptors of this process: `null` is open through the call, and the
        // standard files are nobody's to close, so none is taken from an owner.
        if unsafe { libc::dup2(null.as_raw_fd(), standard) } == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_starts_with_a_number_above_zero() {
        let cases: [(&[u8], Option<i32>); 7] = [
            (b"123\n", Some(123)),
            (b" 7 rest", Some(7)),
            (b"0\n", None),
            (b"-1\n", None),
            (b"", None),
            (b"none", None),
            (b"99999999999", None),
        ];
        for (text, number) in cases {
            assert_eq!(leading_number(text), number);
        }
    }

    #[test]
    fn only_another_living_process_is_running() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let names = |pid: i32| {
            fs::write(file.path(), pid.to_string()).unwrap();
            running(file.path())
        };
        assert_eq!(names(1), Some(1));
        assert_eq!(names(std::process::id() as i32), None);
        assert_eq!(names(i32::MAX), None);
        assert_eq!(running(Path::new("/nonexistent/pid")), None);
    }

    #[test]
    fn a_file_is_held_by_one_and_rewritten_whole() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "999999999999\nmore\n").unwrap();
        let held = hold(file.path()).unwrap();
        let content = fs::read_to_string(file.path()).unwrap();
        assert_eq!(content, format!("{}\n", std::process::id()));
        let refused = hold(file.path()).unwrap_err().to_string();
        let holder = std::process::id();
        assert_eq!(refused, format!("Can't lock pidfile, lock is held by pid {holder}."));
        held.remove().unwrap();
        assert!(!file.path().exists());
    }

    #[test]
    fn a_process_with_threads_does_not_fork() {
        let waiting = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| waiting.wait());
            let error = fork_to_background().unwrap_err();
            waiting.wait();
            assert_eq!(error.to_string(), "the process has several threads already");
        });
    }
}
