//! What callers and callees of a fault run wrote down, and whether it keeps the promises of a link.
//!
//! The caller writes a line when it begins a call and one when the call ends, the callee a line for
//! each call that it does. Every line has the number of the call, which is never used twice.

use std::collections::HashMap;
use std::fmt;

/// What happened at the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A call begins.
    Call,
    /// A message that wants no answer is sent.
    Push,
    /// The call has its result.
    Ok,
    /// The call has failed with this text.
    Failed(String),
}

impl Event {
    /// Everything but an error.
    pub(crate) fn is_good(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }
}

/// A line of the caller: when (milliseconds of the wall clock), which call, what.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) at_ms: u64,
    pub(crate) number: u64,
    pub(crate) event: Event,
}

/// A promise that was not kept, with the number of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// It has neither a result nor an error.
    NeverEnded(u64),
    /// It has more than one of these.
    EndedTwice(u64),
    /// It ended before it began, or was never made.
    NeverBegun(u64),
    /// The caller has a result, but the callee knows nothing of it.
    Lost(u64),
    /// The callee did it more than once.
    DoneTwice(u64),
    /// The callee did what nobody asked for.
    NeverAsked(u64),
    /// The error does not say which node.
    Nameless(u64, String),
}

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) calls: u64,
    pub(crate) ok: u64,
    pub(crate) failed: u64,
    /// Failed at the caller, done at the callee: it may be so, an error leaves that open.
    pub(crate) failed_and_done: u64,
    pub(crate) pushes: u64,
    pub(crate) pushes_done: u64,
    /// How often each error was seen, without what differs from call to call.
    pub(crate) errors: Vec<(String, u64)>,
}

/// Reads the lines of a caller: `milliseconds number word [text]`. A last line without an end is
/// not there yet.
pub(crate) fn read(text: &str) -> Vec<Entry> {
    whole_lines(text).map(|line| entry(line).unwrap_or_else(|| panic!("a line {line:?}"))).collect()
}

/// Reads the lines of a callee: numbers.
pub(crate) fn read_done(text: &str) -> Vec<u64> {
    whole_lines(text).map(|line| line.parse().expect("a number")).collect()
}

fn whole_lines(text: &str) -> impl Iterator<Item = &str> {
    text[..text.rfind('\n').map_or(0, |end| end + 1)].lines()
}

fn entry(line: &str) -> Option<Entry> {
    let mut words = line.splitn(4, ' ');
    let (at_ms, number) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let event = match words.next()? {
        "call" => Event::Call,
        "push" => Event::Push,
        "ok" => Event::Ok,
        "failed" => Event::Failed(words.next().unwrap_or_default().to_owned()),
        _ => return None,
    };
    Some(Entry { at_ms, number, event })
}

#[derive(Default)]
struct Call<'a> {
    begun: bool,
    is_push: bool,
    ok: u64,
    failed: u64,
    done: u64,
    error: Option<&'a str>,
}

/// Checks a history. `name` is what each error has to hold; `None` where errors have no text.
pub(crate) fn check(
    history: &[Entry],
    done: &[u64],
    name: Option<&str>,
) -> Result<Summary, Vec<Broken>> {
    let mut calls: HashMap<u64, Call<'_>> = HashMap::new();
    let mut broken = Vec::new();
    for entry in history {
        let call = calls.entry(entry.number).or_default();
        match &entry.event {
            Event::Call | Event::Push => {
                call.begun = true;
                call.is_push = entry.event == Event::Push;
                continue;
            }
            Event::Ok => call.ok += 1,
            Event::Failed(text) => {
                call.failed += 1;
                call.error = Some(text);
            }
        }
        if !call.begun {
            broken.push(Broken::NeverBegun(entry.number));
        }
    }
    for number in done {
        match calls.get_mut(number) {
            Some(call) => call.done += 1,
            None => broken.push(Broken::NeverAsked(*number)),
        }
    }
    for (number, call) in &calls {
        broken.extend(wrongs(*number, call, name));
    }
    if broken.is_empty() { Ok(summary(calls.values())) } else { Err(broken) }
}

fn wrongs(number: u64, call: &Call<'_>, name: Option<&str>) -> Vec<Broken> {
    let ends = call.ok + call.failed;
    let nameless = call.error.filter(|text| name.is_some_and(|name| !text.contains(name)));
    let checks = [
        (!call.is_push && ends == 0, Broken::NeverEnded(number)),
        (ends > 1, Broken::EndedTwice(number)),
        (call.ok > 0 && call.done == 0, Broken::Lost(number)),
        (call.done > 1, Broken::DoneTwice(number)),
        (nameless.is_some(), Broken::Nameless(number, nameless.unwrap_or_default().to_owned())),
    ];
    checks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, broken)| broken).collect()
}

fn summary<'a>(calls: impl Iterator<Item = &'a Call<'a>>) -> Summary {
    let mut summary = Summary::default();
    let mut errors: HashMap<String, u64> = HashMap::new();
    for call in calls {
        if call.is_push {
            summary.pushes += 1;
            summary.pushes_done += call.done;
            continue;
        }
        summary.calls += 1;
        summary.ok += call.ok;
        summary.failed += call.failed;
        summary.failed_and_done += call.failed * call.done;
        if let Some(text) = call.error {
            *errors.entry(without_digits(text)).or_default() += 1;
        }
    }
    summary.errors = errors.into_iter().collect();
    summary.errors.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    summary
}

fn without_digits(text: &str) -> String {
    let mut short: String =
        text.chars().map(|it| if it.is_ascii_digit() { '0' } else { it }).collect();
    while short.contains("00") {
        short = short.replace("00", "0");
    }
    short
}

/// How long after `from_ms` the first call succeeded, in milliseconds.
pub(crate) fn first_ok_after(history: &[Entry], from_ms: u64) -> Option<u64> {
    let oks = history.iter().filter(|entry| entry.event == Event::Ok && entry.at_ms >= from_ms);
    oks.map(|entry| entry.at_ms - from_ms).min()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, ok, failed, failed_and_done, pushes, pushes_done, errors } = self;
        writeln!(f, "{calls} calls: {ok} ok, {failed} failed ({failed_and_done} of them done)")?;
        writeln!(f, "{pushes} pushes, {pushes_done} done")?;
        errors.iter().try_for_each(|(text, count)| writeln!(f, "{count:8} {text}"))
    }
}

mod tests {
    use super::*;

    /// Checks a history of lines against what was done.
    fn broken(lines: &str, done: &[u64]) -> Vec<Broken> {
        let history = read(&lines.replace("; ", "\n"));
        check(&history, done, Some("node db")).err().unwrap_or_default()
    }

    #[test]
    fn a_good_history_is_summed_up() {
        let lines = "1 1 call\n2 2 call\n2 3 push\n9 1 ok\n11 2 failed node db: closed\n12 4 ca";
        let summary = check(&read(lines), &[2, 1, 3], Some("node db")).unwrap();
        assert_eq!((summary.calls, summary.ok, summary.failed), (2, 1, 1));
        assert_eq!((summary.failed_and_done, summary.pushes, summary.pushes_done), (1, 1, 1));
        assert_eq!(first_ok_after(&read(lines), 4), Some(5));
        assert_eq!(first_ok_after(&read(lines), 10), None);
    }

    #[test]
    fn a_call_without_an_end_is_noticed() {
        assert_eq!(broken("1 1 call; ", &[1]), [Broken::NeverEnded(1)]);
    }

    #[test]
    fn a_call_with_two_ends_is_noticed() {
        assert_eq!(broken("1 1 call; 2 1 ok; 3 1 ok; ", &[1]), [Broken::EndedTwice(1)]);
        let lines = "1 1 call; 2 1 ok; 3 1 failed node db: closed; ";
        assert_eq!(broken(lines, &[1]), [Broken::EndedTwice(1)]);
    }

    #[test]
    fn an_end_without_a_call_is_noticed() {
        assert_eq!(broken("2 1 ok; ", &[1]), [Broken::NeverBegun(1)]);
    }

    #[test]
    fn a_lost_call_is_noticed() {
        assert_eq!(broken("1 1 call; 2 1 ok; ", &[]), [Broken::Lost(1)]);
    }

    #[test]
    fn what_is_done_twice_is_noticed() {
        assert_eq!(broken("1 1 call; 2 1 ok; ", &[1, 1]), [Broken::DoneTwice(1)]);
        assert_eq!(broken("1 1 push; ", &[1, 1]), [Broken::DoneTwice(1)]);
        let lines = "1 1 call; 2 1 failed node db: closed; ";
        assert_eq!(broken(lines, &[1, 1]), [Broken::DoneTwice(1)]);
    }

    #[test]
    fn what_nobody_asked_for_is_noticed() {
        assert_eq!(broken("1 1 call; 2 1 ok; ", &[1, 7]), [Broken::NeverAsked(7)]);
    }

    #[test]
    fn an_error_without_the_node_is_noticed() {
        let nameless = Broken::Nameless(1, "call failed".into());
        assert_eq!(broken("1 1 call; 2 1 failed call failed; ", &[]), [nameless]);
    }
}
