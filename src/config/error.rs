//! What can be wrong with a configuration.
//!
//! The first line of each text is the one the reference prints, because operators and scripts
//! know it; a second line says where to look and what was expected.

use super::place::Place;
use std::fmt;

/// Why a node cannot be configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("[skynet config]:{}: {path}: {reason}{}", line(place), at("included", place))]
    Open {
        /// The file, with the directory it was looked for in.
        path: String,
        /// The text of the operating system.
        reason: String,
        /// The `include`; none for the file of the command line.
        place: Option<Place>,
    },
    /// A `$NAME` names an environment variable that is not set.
    #[error("[skynet config]:{}: os.getenv() failed: {name}\n  at {place}", place.line)]
    Variable {
        /// The variable.
        name: String,
        /// Where it is named.
        place: Place,
    },
    /// `include` was called with something else than a file name.
    #[error(
        "[skynet config]:{}: include needs a file name, found {found}{}",
        line(place),
        at("called", place)
    )]
    Include {
        /// What it was called with.
        found: &'static str,
        /// The call.
        place: Option<Place>,
    },
    /// Files include each other without end.
    #[error(
        "[skynet config]:{}: stack overflow: more than {limit} files include each other{}",
        line(place),
        at("included", place)
    )]
    Depth {
        /// How deep files may include each other.
        limit: usize,
        /// The `include`.
        place: Option<Place>,
    },
    /// The text is not Lua; the message has file and line.
    #[error("[skynet config]:1: {message}")]
    Syntax {
        /// Lua's message.
        message: String,
    },
    /// The chunk fails when it runs; the message has file and line.
    #[error("{message}")]
    Runtime {
        /// Lua's message.
        message: String,
    },
    /// A global variable of the file has a name that is no string.
    #[error("Invalid config table\n  a key is a {found}, not a name")]
    Key {
        /// The Lua type of the key.
        found: &'static str,
    },
    /// A value is neither string nor number nor boolean.
    #[error(
        "Invalid config table key = {key}\n  {}expected {expected}, found a {found}",
        before(place)
    )]
    Value {
        /// The key.
        key: String,
        /// What may stand there.
        expected: &'static str,
        /// The Lua type of the value.
        found: &'static str,
        /// Where the key seems to get its value.
        place: Option<Place>,
    },
    /// The text of a key that the runtime uses does not fit.
    #[error("Invalid config value {key} = {found:?}\n  {}expected {expected}", before(place))]
    Setting {
        /// The key.
        key: &'static str,
        /// What may stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
        /// Where the key seems to get its value.
        place: Option<Place>,
    },
    /// The number of workers is out of range.
    #[error("Invalid thread {count} , should be in [1,1024]{}", at("set", place))]
    Threads {
        /// The number that was read.
        count: i64,
        /// Where the key seems to get its value.
        place: Option<Place>,
    },
}

fn line(place: &Option<Place>) -> usize {
    place.as_ref().map_or(1, |place| place.line)
}

/// A second line with the place, if there is one.
fn at<'a>(verb: &'a str, place: &'a Option<Place>) -> impl fmt::Display + 'a {
    fmt::from_fn(move |out| match place {
        Some(place) => write!(out, "\n  {verb} at {place}"),
        None => Ok(()),
    })
}

/// The place and a colon before an explanation, if there is one.
fn before(place: &Option<Place>) -> impl fmt::Display + '_ {
    fmt::from_fn(move |out| match place {
        Some(place) => write!(out, "{place}: "),
        None => Ok(()),
    })
}
