//! The typed settings: the keys that the runtime reads once, before anything starts.
//!
//! `cli` loads them from a file, Rust programs from pairs. The order of reading is the contract's,
//! and so is the rule that a default, once used, is written into the environment.

use super::accessor;
use super::affinity::Affinity;
use super::environment::Environment;
use super::error::ConfigError;
use super::evaluate::{Entry, Evaluated, evaluate_file, evaluate_text, process_variable};
use std::path::{Path, PathBuf};

/// The most workers a node may have.
pub(super) const THREADS_MAX: usize = 1024;

/// What a node is told before it starts.
#[derive(Debug)]
pub struct Config {
    /// Number of worker threads, 1 to 1024 (`thread`; by default one for each core).
    pub threads: usize,
    /// Which cores the workers are pinned to (`affinity`).
    pub affinity: Affinity,
    /// Where C services are looked for (`cpath`).
    pub cpath: String,
    /// The number of this node among its harbors, 0 for a node on its own (`harbor`).
    pub harbor: u8,
    /// Module and argument of the first service (`bootstrap`).
    pub bootstrap: String,
    /// The pid file; if there is one, the node runs in the background (`daemon`).
    pub daemon: Option<PathBuf>,
    /// Argument of the log service: the built-in one's file (`logger`).
    pub logger: Option<String>,
    /// Module of the log service (`logservice`).
    pub logservice: String,
    /// Whether the processor time of each message is accounted (`profile`).
    pub profile: bool,
    /// How sockets behave.
    pub sockets: SocketConfig,
    /// From which age on a call without an answer is reported, in seconds; 0 for never
    /// (`call_warning`).
    pub call_warning: u32,
    /// For how long a message may run before it is interrupted, in seconds; 0 for ever
    /// (`message_limit`).
    pub message_limit: u32,
    /// Every key, as services see it.
    pub environment: Environment,
}

/// The keys that begin with `socket_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketConfig {
    /// Whether connections send small pieces at once (`socket_nodelay`).
    pub nodelay: bool,
    /// How many connections wait to be accepted (`socket_backlog`).
    pub backlog: u32,
    /// The most bytes that wait to be sent on one socket (`socket_unsent_max`).
    pub unsent_bytes_max: usize,
    /// Seconds for which a socket is kept that both ends have finished with (`socket_grace`); 0:
    /// for ever.
    pub grace_seconds: u64,
    /// Microseconds for which sockets are looked at before a thread blocks (`socket_spin`); 0:
    /// never.
    pub spin_microseconds: u64,
}

impl Config {
    /// Reads the config file at `path`.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] with the text for the person who wrote the file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        read(evaluate_file(path, process_variable)?)
    }

    /// Reads `text` as if it were the config file `name` in the directory `dir`.
    ///
    /// # Errors
    ///
    /// As for [`Config::load`].
    pub fn from_text(name: &str, text: &str, dir: &Path) -> Result<Self, ConfigError> {
        read(evaluate_text(name, text.as_bytes(), dir, process_variable)?)
    }

    /// Makes a configuration from keys and values, without a file. Of two values for the same
    /// key the later one counts.
    ///
    /// # Errors
    ///
    /// As for [`Config::load`], when a value does not fit its key.
    pub fn from_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        let entry = |(key, value): (&str, &str)| (key.into(), Entry::Text(value.into()));
        let entries = pairs.into_iter().map(entry).collect();
        read(Evaluated { entries, ..Evaluated::default() })
    }
}

fn read(evaluated: Evaluated) -> Result<Config, ConfigError> {
    let environment = fill(&evaluated)?;
    let reader = Reader { environment: &environment, evaluated: &evaluated };
    Ok(Config {
        threads: reader.threads()?,
        cpath: reader.text_or("cpath", "./cservice/?.so")?,
        // A larger number loses its high bits, as in the reference: addresses have eight for it.
        harbor: reader.integer_or("harbor", 1) as u8,
        bootstrap: reader.text_or("bootstrap", "snlua bootstrap")?,
        daemon: reader.text("daemon")?.map(PathBuf::from),
        logger: reader.text("logger")?,
        logservice: reader.text_or("logservice", "logger")?,
        profile: reader.flag_or("profile", true),
        affinity: reader.affinity()?,
        sockets: SocketConfig {
            nodelay: reader.flag_or("socket_nodelay", true),
            backlog: reader.positive_or("socket_backlog", 1024, u32::MAX.into())? as u32,
            unsent_bytes_max: reader.positive_or("socket_unsent_max", 64 << 20, i64::MAX)? as usize,
            grace_seconds: reader.integer_or("socket_grace", 60).max(0) as u64,
            spin_microseconds: reader.integer_or("socket_spin", 60).clamp(0, 1_000) as u64,
        },
        call_warning: reader.seconds("call_warning"),
        message_limit: reader.seconds("message_limit"),
        environment,
    })
}

/// Copies the variables of the file into a new environment.
fn fill(evaluated: &Evaluated) -> Result<Environment, ConfigError> {
    if let Some(found) = evaluated.foreign_key {
        return Err(ConfigError::Key { found });
    }
    let environment = Environment::new();
    for (key, entry) in &evaluated.entries {
        match entry {
            Entry::Text(value) => write(&environment, key, value),
            Entry::Other(found) => return Err(wrong_type(evaluated, key, found)),
        }
    }
    Ok(environment)
}

fn write(environment: &Environment, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
    environment.set(key, value).expect("each key is written once, and a default only if absent");
}

/// The error for a value that cannot be text.
pub(super) fn wrong_type(evaluated: &Evaluated, key: &[u8], found: &'static str) -> ConfigError {
    let scalars = "a string, a number or a boolean";
    ConfigError::Value {
        key: String::from_utf8_lossy(key).into_owned(),
        expected: if key == b"affinity" { Affinity::EXPECTED } else { scalars },
        found,
        place: evaluated.sources.assignment(key),
    }
}

/// Reads single keys, and writes the defaults it uses into the environment.
struct Reader<'a> {
    environment: &'a Environment,
    evaluated: &'a Evaluated,
}

impl Reader<'_> {
    fn threads(&self) -> Result<usize, ConfigError> {
        let count = self.integer_or("thread", default_threads() as i64);
        let in_range = |count: &usize| (1..=THREADS_MAX).contains(count);
        usize::try_from(count).ok().filter(in_range).ok_or_else(|| ConfigError::Threads {
            count,
            place: self.evaluated.sources.assignment(b"thread"),
        })
    }

    fn affinity(&self) -> Result<Affinity, ConfigError> {
        let Some(text) = self.text("affinity")? else { return Ok(Affinity::Free) };
        let expected = Affinity::EXPECTED;
        Affinity::parse(&text).ok_or_else(|| self.unfit("affinity", expected, text))
    }

    fn integer_or(&self, key: &str, default: i64) -> i64 {
        match self.environment.get(key) {
            Some(text) => accessor::integer(text.to_bytes()),
            None => {
                write(self.environment, key, default.to_string());
                default
            }
        }
    }

    /// A number from 1 to `max`.
    fn positive_or(&self, key: &'static str, default: i64, max: i64) -> Result<i64, ConfigError> {
        let value = self.integer_or(key, default);
        if (1..=max).contains(&value) {
            return Ok(value);
        }
        Err(self.unfit(key, "a number greater than 0", value.to_string()))
    }

    /// Reads a number of seconds that need not be there; what is none counts as 0.
    fn seconds(&self, key: &str) -> u32 {
        let text = self.environment.get(key);
        let seconds = text.map_or(0, |text| accessor::integer(text.to_bytes()));
        u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
    }

    fn flag_or(&self, key: &str, default: bool) -> bool {
        match self.environment.get(key) {
            Some(text) => accessor::flag(text.to_bytes()),
            None => {
                write(self.environment, key, default.to_string());
                default
            }
        }
    }

    fn text(&self, key: &'static str) -> Result<Option<String>, ConfigError> {
        let Some(value) = self.environment.get(key) else { return Ok(None) };
        match value.to_str() {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => {
                let found = value.to_string_lossy().into_owned();
                Err(self.unfit(key, "text in UTF-8", found))
            }
        }
    }

    fn text_or(&self, key: &'static str, default: &str) -> Result<String, ConfigError> {
        let text = self.text(key)?;
        Ok(text.unwrap_or_else(|| {
            write(self.environment, key, default);
            default.to_owned()
        }))
    }

    fn unfit(&self, key: &'static str, expected: &'static str, found: String) -> ConfigError {
        let place = self.evaluated.sources.assignment(key.as_bytes());
        ConfigError::Setting { key, expected, found, place }
    }
}

/// One worker for each core that the process may use.
fn default_threads() -> usize {
    crate::affinity::cores().min(THREADS_MAX)
}
