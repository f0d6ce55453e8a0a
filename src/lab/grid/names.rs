//! The names of questions, and which questions and subjects the words of the options mean.
//!
//! Called by `grid`.

use crate::lab::measure;
use crate::lab::options::LabError;
use crate::lab::record::Conditions;

/// The short unique name: `exclusive/t8/s50`.
pub(super) fn name(conditions: &Conditions) -> String {
    let Conditions { kind, threads, section_ns, outside_ns, .. } = conditions;
    let outside = if *outside_ns > 0 { format!("/o{outside_ns}") } else { String::new() };
    match (conditions.sides, conditions.reads_permille) {
        (Some([one, other]), _) if kind == "queue" => format!("queue/{one}p{other}c"),
        (Some([readers, writers]), _) => format!("{kind}/{readers}r{writers}w"),
        (None, Some(reads)) => format!("{kind}/t{threads}/r{reads}/s{section_ns}{outside}"),
        (None, None) if kind == "wake" => "wake/idle".to_owned(),
        (None, None) if kind == "blocking" => format!("blocking/t{threads}"),
        (None, None) => format!("{kind}/t{threads}/s{section_ns}{outside}"),
    }
}

/// The same in words.
pub(super) fn title(conditions: &Conditions) -> String {
    let section = length(conditions.section_ns);
    let inside = match (conditions.blocking, conditions.section_ns) {
        (true, _) => format!("sections that sleep {section}"),
        (false, 0) => "empty sections".to_owned(),
        (false, _) => format!("sections of {section}"),
    };
    let outside = match conditions.outside_ns {
        0 => String::new(),
        ns => format!(", {} of work between them", length(ns)),
    };
    let threads = count(conditions.threads, "thread");
    match (conditions.sides, conditions.reads_permille) {
        (Some([one, other]), _) if conditions.kind == "queue" => {
            format!("{} to {}", count(one, "producer"), count(other, "consumer"))
        }
        (Some([one, other]), _) => {
            format!("{}, {}, {inside}", count(one, "reader"), count(other, "writer"))
        }
        (None, Some(reads)) => {
            format!("{threads}, {} % reads, {inside}{outside}", f64::from(reads) / 10.0)
        }
        (None, None) if conditions.kind == "wake" => {
            "from the wake-up of a sleeping thread until it runs".to_owned()
        }
        (None, None) => format!("{threads}, {inside}{outside}"),
    }
}

fn count(number: u32, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

fn length(ns: u64) -> String {
    match ns {
        _ if ns > 0 && ns.is_multiple_of(1_000_000) => format!("{} ms", ns / 1_000_000),
        _ if ns > 0 && ns.is_multiple_of(1_000) => format!("{} us", ns / 1_000),
        _ => format!("{ns} ns"),
    }
}

/// Which subjects `--locks` means.
pub(super) struct Chooser {
    /// Names that were chosen; none means all.
    chosen: Option<Vec<&'static str>>,
}

impl Chooser {
    /// A word means the subject of that name, or else all whose names contain it.
    pub(super) fn new(words: &[String]) -> Result<Self, LabError> {
        if words.is_empty() {
            return Ok(Self { chosen: None });
        }
        let known = subject_names();
        let mut chosen = Vec::new();
        for word in words {
            let same = known.iter().filter(|name| name.eq_ignore_ascii_case(word));
            let mut meant: Vec<&'static str> = same.copied().collect();
            if meant.is_empty() {
                let word = word.to_lowercase();
                let contain = known.iter().filter(|name| name.to_lowercase().contains(&word));
                meant = contain.copied().collect();
            }
            if meant.is_empty() {
                return Err(unknown("--locks", word, &known));
            }
            chosen.extend(meant);
        }
        Ok(Self { chosen: Some(chosen) })
    }

    pub(super) fn takes(&self, name: &str) -> bool {
        self.chosen.as_ref().is_none_or(|chosen| chosen.contains(&name))
    }
}

fn subject_names() -> Vec<&'static str> {
    let locks = measure::exclusive().into_iter().chain(measure::shared());
    let locks = locks.map(|entry| entry.facts.name);
    let queues = measure::queues().into_iter().map(|entry| entry.facts.name);
    let parkers = measure::parkers().into_iter().map(|entry| entry.facts.name);
    let mut names: Vec<&'static str> = Vec::new();
    for name in locks.chain(queues).chain(parkers) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Says whether each word of `--only` fits a question.
pub(super) fn check_only(words: &[String], known: &[String]) -> Result<(), LabError> {
    match words.iter().find(|word| !known.iter().any(|name| fits(word, name))) {
        Some(word) => Err(unknown("--only", word, known)),
        None => Ok(()),
    }
}

/// Says whether a question was asked for.
pub(super) fn is_wanted(words: &[String], name: &str) -> bool {
    words.is_empty() || words.iter().any(|word| fits(word, name))
}

/// A kind means its questions: `blocking` is not `blocking-rw`. Any other word is looked for.
fn fits(word: &str, name: &str) -> bool {
    const KINDS: [&str; 7] =
        ["exclusive", "shared", "blocking", "blocking-rw", "queue", "wake", "replay"];
    if KINDS.contains(&word) { name.split('/').next() == Some(word) } else { name.contains(word) }
}

fn unknown(option: &'static str, text: &str, known: &[impl AsRef<str>]) -> LabError {
    let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    LabError::Unknown { option, text: text.to_owned(), known: known.join(", ") }
}
