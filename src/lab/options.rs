//! What a run of the lab is asked for, and whether it makes sense.
//!
//! Called by the command line with the texts of its options, by tests with values. Every text is
//! checked here, so that an error can name the option and what it allows.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;

use super::replay::Class;

/// The most threads of a question.
pub const THREADS_MAX: usize = 256;

/// The longest section.
pub const SECTION_MAX_NS: u64 = 100_000_000;

/// The most rounds of a question.
pub const ROUNDS_MAX: u32 = 1_000;

/// Why a run cannot be started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LabError {
    /// An option has a value that makes no sense.
    #[error("{option} {text:?}: {allowed}")]
    Value {
        /// The option, with its dashes.
        option: &'static str,
        /// What was given.
        text: String,
        /// What may be given.
        allowed: String,
    },
    /// A name or word that fits nothing.
    #[error("{option} {text:?} fits nothing; there are: {known}")]
    Unknown {
        /// The option, with its dashes.
        option: &'static str,
        /// What was given.
        text: String,
        /// What there is.
        known: String,
    },
    /// The options leave nothing to measure.
    #[error("these options leave no question with a subject: {reason}")]
    Nothing {
        /// Which of them exclude each other.
        reason: String,
    },
    /// A profile to replay cannot be read.
    #[error("--replay {}: {reason}", path.display())]
    Profile {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

/// How thorough a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Under a minute.
    #[default]
    Quick,
    /// Under ten minutes.
    Standard,
    /// Over night.
    Full,
}

impl FromStr for Profile {
    type Err = LabError;

    fn from_str(text: &str) -> Result<Self, LabError> {
        match text {
            "quick" => Ok(Self::Quick),
            "standard" => Ok(Self::Standard),
            "full" => Ok(Self::Full),
            _ => Err(wrong("--profile", text, "quick, standard or full")),
        }
    }
}

/// What a run is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// How thorough it is.
    pub profile: Profile,
    /// Parts of the names of questions; empty means all.
    pub only: Vec<String>,
    /// Numbers of threads instead of the profile's.
    pub threads: Option<Vec<usize>>,
    /// Lengths of sections in nanoseconds instead of the profile's.
    pub sections: Option<Vec<u64>>,
    /// Shares of reads in tenths of a percent instead of the profile's.
    pub reads: Option<Vec<u32>>,
    /// Names of subjects, or parts of them; empty means all.
    pub locks: Vec<String>,
    /// Rounds instead of the profile's.
    pub rounds: Option<u32>,
    /// How long a subject is measured in a round, instead of the profile's length.
    pub cell_ms: Option<u64>,
    /// Whether threads are pinned to cores.
    pub pin: bool,
    /// Classes of locks of a real load, to be asked about instead of the grid.
    pub replay: Option<Vec<Class>>,
}

/// Reads a list of numbers of threads.
///
/// # Errors
/// [`LabError::Value`] for anything but 1 to [`THREADS_MAX`].
pub fn threads(text: &str) -> Result<Vec<usize>, LabError> {
    let allowed = format!("numbers from 1 to {THREADS_MAX}, such as 1,2,8");
    let read = |word: &str| word.parse().ok().filter(|count| (1..=THREADS_MAX).contains(count));
    list("--threads", text, &allowed, read)
}

/// Reads a list of lengths: nanoseconds, or a number with ns, us or ms.
///
/// # Errors
/// [`LabError::Value`] for anything but 0 to [`SECTION_MAX_NS`].
pub fn sections(text: &str) -> Result<Vec<u64>, LabError> {
    let allowed = "lengths from 0 to 100ms, such as 0,50ns,1us,20us";
    list("--section", text, allowed, |word| length(word).filter(|ns| *ns <= SECTION_MAX_NS))
}

fn length(word: &str) -> Option<u64> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &word[digits.len()..] {
        "" | "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// Reads a list of shares of reads in percent, with at most one digit after the point.
///
/// # Errors
/// [`LabError::Value`] for anything but 0 to 100.
pub fn reads(text: &str) -> Result<Vec<u32>, LabError> {
    let allowed = "percentages from 0 to 100 with at most one decimal, such as 0,90,99.9";
    list("--reads", text, allowed, |word| permille(word).filter(|reads| *reads <= 1_000))
}

fn permille(word: &str) -> Option<u32> {
    let (whole, tenth) = word.split_once('.').unwrap_or((word, "0"));
    let tenth: u32 = tenth.parse().ok().filter(|_| tenth.len() == 1)?;
    whole.parse::<u32>().ok()?.checked_mul(10)?.checked_add(tenth)
}

/// Reads a number of rounds.
///
/// # Errors
/// [`LabError::Value`] for anything but 1 to [`ROUNDS_MAX`].
pub fn rounds(text: &str) -> Result<u32, LabError> {
    let allowed = format!("a number from 1 to {ROUNDS_MAX}; medians want at least 5");
    let rounds = text.parse().ok().filter(|rounds| (1..=ROUNDS_MAX).contains(rounds));
    rounds.ok_or_else(|| wrong("--rounds", text, &allowed))
}

/// Reads how long a subject is measured in a round, in milliseconds.
///
/// # Errors
/// [`LabError::Value`] for anything but 1 to 60000.
pub fn cell(text: &str) -> Result<u64, LabError> {
    let cell = text.parse().ok().filter(|ms| (1..=60_000).contains(ms));
    cell.ok_or_else(|| wrong("--cell", text, "milliseconds from 1 to 60000"))
}

/// Reads a list of words.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Reads a profile of a real load.
///
/// # Errors
/// [`LabError::Profile`] names the file and what is wrong with it.
pub fn replay(path: &Path) -> Result<Vec<Class>, LabError> {
    let failed = |reason: String| LabError::Profile { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    super::replay::parse(&text).map_err(failed)
}

fn list<T>(
    option: &'static str,
    text: &str,
    allowed: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, LabError> {
    let values: Option<Vec<T>> = text.split(',').map(|word| read(word.trim())).collect();
    values.ok_or_else(|| wrong(option, text, allowed))
}

fn wrong(option: &'static str, text: &str, allowed: &str) -> LabError {
    LabError::Value { option, text: text.to_owned(), allowed: allowed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        assert_eq!(threads("1, 2,16").unwrap(), [1, 2, 16]);
        assert_eq!(sections("0,50ns,1us,20us,300").unwrap(), [0, 50, 1_000, 20_000, 300]);
        assert_eq!(sections("100ms").unwrap(), [SECTION_MAX_NS]);
        assert_eq!(reads("0,50,99.9,100").unwrap(), [0, 500, 999, 1_000]);
        assert_eq!(words("fair, std,,"), ["fair", "std"]);
        assert_eq!(rounds("7").unwrap(), 7);
        assert_eq!("full".parse::<Profile>().unwrap(), Profile::Full);
    }

    #[track_caller]
    fn check<T: std::fmt::Debug>(result: Result<T, LabError>, parts: &[&str]) {
        let error = result.unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{part} is not in {error}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_named_with_what_is_allowed() {
        check(threads("0"), &["--threads \"0\"", "1 to 256"]);
        check(threads("257"), &["1 to 256"]);
        check(threads(""), &["--threads \"\""]);
        check(threads("1,,2"), &["\"1,,2\""]);
        check(sections("5s"), &["--section \"5s\"", "0 to 100ms"]);
        check(sections("101ms"), &["0 to 100ms"]);
        check(sections("99999999999999999999ms"), &["0 to 100ms"]);
        check(reads("100.1"), &["--reads \"100.1\"", "0 to 100"]);
        check(reads("9.99"), &["at most one decimal"]);
        check(reads("9."), &["at most one decimal"]);
        check(reads("-1"), &["0 to 100"]);
        check(rounds("0"), &["--rounds \"0\"", "1 to 1000"]);
        check(cell("0"), &["--cell \"0\"", "1 to 60000"]);
        check("fast".parse::<Profile>(), &["--profile \"fast\"", "quick, standard or full"]);
        check(replay(Path::new("/none")), &["--replay /none"]);
    }
}
