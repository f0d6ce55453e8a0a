//! The runs: one process a run, with a limit of time.

use super::LuaLabError;
use super::builds::{Tree, Variant, last_lines};
use super::lines::{Rate, rates};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What is run.
pub(super) struct Workload {
    config: PathBuf,
    /// The folder in which it is run, and what `$BENCH` is there, for the workload of the house.
    house: Option<(PathBuf, PathBuf)>,
    limit: Duration,
}

/// What a run brought.
pub(super) struct Outcome {
    /// The results, at least one.
    pub(super) rates: Vec<Rate>,
    /// How long the process lived.
    pub(super) wall_s: f64,
    /// Its processor time; 0 where the system does not say.
    pub(super) cpu_s: f64,
}

/// How often a process is asked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Workload {
    /// A config of the user's is run in the current folder; that of the house in the source tree,
    /// whose files it names.
    ///
    /// # Errors
    /// When the config cannot be read: better said before the builds than after them.
    pub(super) fn new(
        config: Option<&Path>,
        tree: &Tree,
        limit: Duration,
    ) -> Result<Self, LuaLabError> {
        let benches = tree.folder().join("benches/lua");
        let workload = match config {
            Some(config) => Self { config: config.to_owned(), house: None, limit },
            None => Self {
                config: benches.join("config.lua"),
                house: Some((tree.folder().to_owned(), benches)),
                limit,
            },
        };
        let what = workload.config.display().to_string();
        File::open(&workload.config).map_err(|error| LuaLabError::Io { what, error })?;
        Ok(workload)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.arg(&self.config);
        if let Some((folder, benches)) = &self.house {
            command.current_dir(folder).env("BENCH", benches);
        }
        command
    }

    /// Runs a program to its end; returns nothing if it was stopped before.
    pub(super) fn run(
        &self,
        program: &Path,
        variant: &Variant,
        is_stopped: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Outcome>, LuaLabError> {
        let failed = |what: String, output: &str| LuaLabError::Run {
            variant: variant.name(),
            what,
            output: last_lines(output),
        };
        let (cpu_before, begun) = (children_cpu_s(), Instant::now());
        let mut run = Run::start(self.command(program))?;
        let end = run.wait(self.limit, is_stopped)?;
        let (wall_s, log) = (begun.elapsed().as_secs_f64(), run.log());
        match end {
            End::Stopped => return Ok(None),
            // Ctrl-C reaches the process too, which then ends before its results.
            End::Exit(_) if is_stopped() => return Ok(None),
            End::TooLate => {
                let what = format!("did not end within {} s", self.limit.as_secs());
                return Err(failed(what, &log));
            }
            End::Exit(status) if !status.success() => {
                return Err(failed(format!("ended with {status}"), &log));
            }
            End::Exit(_) => {}
        }
        let rates = rates(&log)?;
        if rates.is_empty() {
            return Err(failed("logged no line `RATE name number a second`".to_owned(), &log));
        }
        let cpu_s = children_cpu_s().zip(cpu_before).map_or(0.0, |(now, before)| now - before);
        Ok(Some(Outcome { rates, wall_s, cpu_s }))
    }
}

enum End {
    Exit(ExitStatus),
    TooLate,
    Stopped,
}

/// A process whose output is read while it runs, so that it never waits for a reader.
struct Run {
    child: Child,
    readers: Vec<JoinHandle<String>>,
}

impl Run {
    fn start(mut command: Command) -> Result<Self, LuaLabError> {
        let what = format!("cannot run {}", command.get_program().display());
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| LuaLabError::Io { what, error })?;
        let readers = [child.stdout.take().map(read_all), child.stderr.take().map(read_all)];
        Ok(Self { child, readers: readers.into_iter().flatten().collect() })
    }

    /// # Blocking
    /// Until the end of the process, which it brings about when the time is up or the run was
    /// stopped.
    fn wait(
        &mut self,
        limit: Duration,
        is_stopped: &mut dyn FnMut() -> bool,
    ) -> Result<End, LuaLabError> {
        let begun = Instant::now();
        loop {
            let what = || "cannot wait for a run".to_owned();
            let status = self.child.try_wait();
            match status.map_err(|error| LuaLabError::Io { what: what(), error })? {
                Some(status) => return Ok(End::Exit(status)),
                None if is_stopped() => return Ok(self.kill(End::Stopped)),
                None if begun.elapsed() >= limit => return Ok(self.kill(End::TooLate)),
                None => std::thread::sleep(LOOK_EVERY),
            }
        }
    }

    fn kill(&mut self, end: End) -> End {
        // It may have ended by itself in this moment.
        let _ = self.child.kill();
        let _ = self.child.wait();
        end
    }

    /// What it wrote: the standard output, then the errors.
    fn log(self) -> String {
        let texts = self.readers.into_iter().map(|reader| reader.join().unwrap_or_default());
        texts.collect::<Vec<_>>().concat()
    }
}

fn read_all(mut output: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error still counts.
        let _ = output.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The processor time of all processes that this one has waited for.
fn children_cpu_s() -> Option<f64> {
    cpu_of_children(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// Reads it in the text of a `stat` file, where it stands in ticks of the kernel's interface,
/// which are hundredths of a second on every architecture that Rust runs on.
fn cpu_of_children(stat: &str) -> Option<f64> {
    const TICKS_A_SECOND: f64 = 100.0;
    // The name of the program is in brackets and may contain anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(13);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / TICKS_A_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, limit: Duration, stop: bool) -> Result<Option<Outcome>, LuaLabError> {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("config");
        std::fs::write(&config, script).unwrap();
        let workload = Workload { config, house: None, limit };
        workload.run(Path::new("/bin/sh"), &Variant::default(), &mut || stop)
    }

    const LONG: Duration = Duration::from_secs(60);

    fn error(script: &str, limit: Duration) -> String {
        run(script, limit, false).err().expect("it fails").to_string()
    }

    #[test]
    fn results_come_from_both_outputs() {
        let script = "echo 'RATE calls 5 a second'; echo 'RATE sends 7 a second' >&2";
        let outcome = run(script, LONG, false).unwrap().expect("it is not stopped");
        let names: Vec<&str> = outcome.rates.iter().map(|rate| &*rate.name).collect();
        assert_eq!(names, ["calls", "sends"]);
        assert!(outcome.wall_s > 0.0);
    }

    #[test]
    fn a_workload_that_fails_shows_its_last_lines() {
        let text = error("echo reason; exit 3", LONG);
        assert!(
            text.contains("default") && text.contains('3') && text.contains("reason"),
            "{text}"
        );
    }

    #[test]
    fn a_workload_without_results_is_told_what_is_missing() {
        assert!(error("echo nothing", LONG).contains("RATE name number a second"));
    }

    #[test]
    fn a_workload_that_does_not_end_is_ended() {
        let text = error("echo begun; exec sleep 1000", Duration::from_millis(1));
        assert!(text.contains("did not end within 0 s"), "{text}");
    }

    #[test]
    fn an_interrupted_run_is_no_result() {
        assert!(run("exec sleep 1000", LONG, true).unwrap().is_none());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let workload = Workload { config: "c".into(), house: None, limit: LONG };
        let program = Path::new("/nowhere/ironsky");
        let run = workload.run(program, &Variant::default(), &mut || false);
        assert!(run.err().expect("it fails").to_string().contains("/nowhere/ironsky"));
    }

    #[test]
    fn the_time_of_children_is_read_behind_the_name() {
        let stat = "1 (a ) b) S 1 1 1 0 -1 4194560 1 2 3 4 10 20 150 50 20 0 1 0";
        assert_eq!(cpu_of_children(stat), Some(2.0));
        assert_eq!(cpu_of_children(""), None);
    }

    #[test]
    fn the_workload_of_the_house_is_run_where_its_files_are() {
        let tree = Tree::find(Some(Path::new(env!("CARGO_MANIFEST_DIR")))).unwrap();
        let workload = Workload::new(None, &tree, LONG).unwrap();
        assert!(workload.config.is_file());
        let command = workload.command(Path::new("ironsky"));
        assert_eq!(command.get_current_dir(), Some(tree.folder()));
    }
}
