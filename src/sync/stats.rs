//! Counters of locks by class: tries, collisions, waiting time, and how long locks are held.
//!
//! Called by the node's command `LOCKS` and by whoever embeds a node. The counters exist only in a
//! build with the feature `lock-stats`; without it every function here says so, and no lock has an
//! instruction more (`class`). With it each class is off at first: an acquisition then costs one
//! load more. Counters are kept by thread and added up when somebody asks, so counting threads do
//! not disturb each other.
//!
//! How long a lock is held, and how long its threads are busy elsewhere before they come back, is
//! measured at one acquisition in [`SAMPLE`] of a thread: reading the clock each time would cost
//! more than the lock.

use std::fmt::Write;

use super::class;

cfg_select! {
    all(feature = "lock-stats", not(any(ironsky_loom, ironsky_shuttle))) => {
        mod counted;
        mod counts;
        pub use counted::{Counted, CountedGuard};
        use counts as counters;
    }
    _ => {
        mod absent;
        use absent as counters;
    }
}

/// Whether this build can count.
pub const IS_BUILT: bool = counters::IS_BUILT;

/// One acquisition of a thread in so many is timed.
pub const SAMPLE: u64 = 64;

/// Powers of two of nanoseconds that waits are sorted into; the last takes all longer ones.
pub const WAIT_BUCKETS: usize = 32;

/// Why the counters did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatsError {
    /// The build has none.
    #[error("this build has no lock counters: build with --features lock-stats")]
    NotBuilt,
    /// There is no such class.
    #[error("no lock class \"{name}\": the classes are {}", class::NAMES.join(", "))]
    UnknownClass {
        /// What was asked for.
        name: String,
    },
}

/// What the locks of a class did since the last reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassStats {
    /// The name of the class.
    pub class: &'static str,
    /// Whether it is counted at present.
    pub is_on: bool,
    /// What was counted.
    pub totals: Totals,
}

/// Sums over the threads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Threads that took such a lock; one that continues the sums of an ended one is no new one.
    pub threads: u64,
    /// Locks taken.
    pub acquisitions: u64,
    /// Among them read shares.
    pub reads: u64,
    /// Whether the class has read shares at all.
    pub is_shared: bool,
    /// Tries (`try_lock`) that did not get the lock.
    pub failed_tries: u64,
    /// Acquisitions that had to wait.
    pub collisions: u64,
    /// How long they waited together.
    pub wait_ns: u64,
    /// Waits of 2^i to 2^(i+1) nanoseconds.
    pub waits: [u64; WAIT_BUCKETS],
    /// How long the timed acquisitions were held together.
    pub hold_ns: u64,
    /// How many those were.
    pub holds: u64,
    /// The time between releases and the same thread's next acquisition, where it was timed.
    pub outside_ns: u64,
    /// How many those were.
    pub outsides: u64,
}

impl Totals {
    /// The mean of the timed holds.
    pub fn mean_hold_ns(&self) -> u64 {
        self.hold_ns.checked_div(self.holds).unwrap_or(0)
    }

    /// The mean of the timed times outside.
    pub fn mean_outside_ns(&self) -> u64 {
        self.outside_ns.checked_div(self.outsides).unwrap_or(0)
    }

    /// Read shares among a thousand acquisitions.
    pub fn reads_permille(&self) -> u64 {
        (self.reads * 1_000).checked_div(self.acquisitions).unwrap_or(0)
    }

    /// A time that all but one wait in so many stayed below, as exactly as the buckets tell.
    pub fn wait_ns_of_all_but_one_in(&self, many: u64) -> u64 {
        let longer_max = self.collisions / many;
        let mut longer = 0;
        for (index, waits) in self.waits.iter().enumerate().rev() {
            longer += waits;
            if longer > longer_max {
                return 2 << index;
            }
        }
        0
    }
}

/// Counts a class from now on, or all of them.
///
/// # Errors
/// See [`StatsError`].
pub fn enable(class: Option<&str>) -> Result<(), StatsError> {
    switch(class, true)
}

/// Stops counting a class, or all of them. What was counted stays.
///
/// # Errors
/// See [`StatsError`].
pub fn disable(class: Option<&str>) -> Result<(), StatsError> {
    switch(class, false)
}

fn switch(class: Option<&str>, on: bool) -> Result<(), StatsError> {
    built()?;
    let wanted = class.map(index_of).transpose()?;
    for index in 0..class::NAMES.len() {
        if wanted.is_none_or(|wanted| wanted == index) {
            counters::switch(index, on);
        }
    }
    Ok(())
}

/// Forgets what was counted.
///
/// # Errors
/// When the build has no counters.
pub fn reset() -> Result<(), StatsError> {
    built().map(|()| counters::reset())
}

/// Returns what was counted, a class each.
///
/// Sums are exact when the counting threads are at rest; while they run, a sum may miss their last
/// steps.
///
/// # Errors
/// When the build has no counters.
pub fn snapshot() -> Result<Vec<ClassStats>, StatsError> {
    built()?;
    let totals = class::NAMES.iter().enumerate().map(|(index, &class)| ClassStats {
        class,
        is_on: counters::is_on(index),
        totals: counters::totals(index),
    });
    Ok(totals.collect())
}

fn built() -> Result<(), StatsError> {
    if IS_BUILT { Ok(()) } else { Err(StatsError::NotBuilt) }
}

fn index_of(name: &str) -> Result<usize, StatsError> {
    let index = class::NAMES.iter().position(|known| *known == name);
    index.ok_or_else(|| StatsError::UnknownClass { name: name.to_owned() })
}

/// Shows the classes as a table, the heading first.
pub fn table(stats: &[ClassStats]) -> String {
    let mut text = format!(
        "{:<12}{:>4}{:>8}{:>14}{:>7}{:>12}{:>8}{:>12}{:>12}{:>12}{:>12}{:>12}\n",
        "class",
        "on",
        "threads",
        "acquisitions",
        "reads",
        "collisions",
        "failed",
        "wait mean",
        "wait p99",
        "wait sum",
        "hold mean",
        "outside"
    );
    for ClassStats { class, is_on, totals } in stats {
        let wait_mean = totals.wait_ns.checked_div(totals.collisions).unwrap_or(0);
        let row = format!(
            "{class:<12}{:>4}{:>8}{:>14}{:>6}%{:>12}{:>8}{:>12}{:>12}{:>12}{:>12}{:>12}",
            if *is_on { "on" } else { "off" },
            totals.threads,
            totals.acquisitions,
            totals.reads_permille() / 10,
            totals.collisions,
            totals.failed_tries,
            shown_ns(wait_mean),
            shown_ns(totals.wait_ns_of_all_but_one_in(100)),
            shown_ns(totals.wait_ns),
            shown_ns(totals.mean_hold_ns()),
            shown_ns(totals.mean_outside_ns()),
        );
        writeln!(text, "{row}").expect("a String takes everything");
    }
    text
}

/// A time with its unit; three digits are enough.
fn shown_ns(ns: u64) -> String {
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{} us", ns / 1_000),
        10_000_000..10_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{} s", ns / 1_000_000_000),
    }
}

/// Writes the classes that were used as the profile that `ironsky lab` replays: a JSON array.
pub fn profile(stats: &[ClassStats]) -> String {
    let used = stats.iter().filter(|stats| stats.totals.acquisitions > 0);
    let objects: Vec<String> = used.map(profile_of).collect();
    format!("[{}]", objects.join(","))
}

/// The names of the classes need no escapes.
fn profile_of(ClassStats { class, totals, .. }: &ClassStats) -> String {
    let kind = if totals.is_shared { "shared" } else { "exclusive" };
    let numbers = [
        ("threads", totals.threads),
        ("reads_permille", totals.reads_permille()),
        ("hold_ns", totals.mean_hold_ns()),
        ("outside_ns", totals.mean_outside_ns()),
        ("acquisitions", totals.acquisitions),
        ("collisions", totals.collisions),
    ];
    let numbers: String = numbers.map(|(name, number)| format!(",\"{name}\":{number}")).concat();
    format!("{{\"class\":\"{class}\",\"kind\":\"{kind}\"{numbers}}}")
}

#[cfg(test)]
mod tests;
