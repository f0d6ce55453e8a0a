//! What a run of the lab leaves behind: the one document that every output is made from.
//!
//! Written by the measuring parts, read by `report` and by whoever has the JSON. A change that a
//! reader of the JSON would notice raises [`SCHEMA`]. Times are nanoseconds where the name ends in
//! `_ns` and seconds where it ends in `_s`.

use serde::{Deserialize, Serialize};

/// The version of the document.
pub const SCHEMA: u32 = 1;

/// A whole run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`] of the program that wrote it.
    pub schema: u32,
    /// The command that repeats it.
    pub command: String,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// How long it took.
    pub took_s: f64,
    /// False if it was interrupted: some cells then have fewer rounds or are missing.
    pub complete: bool,
    /// Where it ran.
    pub machine: Machine,
    /// What was compared, in the order of the questions.
    pub questions: Vec<Question>,
    /// What to choose, and why.
    pub advice: Vec<Advice>,
}

/// The fingerprint of the machine and of the build.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: u32,
    /// Frequency governor, where one can be read.
    pub governor: Option<String>,
    /// Operating system, kernel and architecture.
    pub system: String,
    /// The compiler of this build.
    pub rustc: String,
    /// Version of ironsky, with the commit where it is known.
    pub ironsky: String,
    /// Features of this build and its effective strategy.
    pub strategy: String,
    /// The allocator of the process.
    pub allocator: String,
    /// Load average over one minute before and after the run.
    pub load: [f64; 2],
}

/// One question, with the answer of each subject under the same conditions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// A short unique name: `exclusive/t8/s50`, `shared/t4/r990/s0`, `blocking-rw/4r4w`.
    pub name: String,
    /// The same in words.
    pub title: String,
    /// The conditions.
    pub conditions: Conditions,
    /// How far two measurements of the same subject were apart: the baseline, measured as two
    /// subjects in every round. Relative: 0.04 is 4 percent of the throughput.
    pub noise: f64,
    /// The subject that the noise was measured with and that the others are compared to: the
    /// default of the house where it is among the subjects. Empty means the first one.
    #[serde(default)]
    pub baseline: String,
    /// The subjects, in the order of the table.
    pub answers: Vec<Answer>,
}

/// Under which conditions a question is asked. A field that does not apply is 0 or `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// `exclusive`, `shared`, `blocking`, `blocking-rw`, `queue`, `wake`, `actors`, `lua` or
    /// `replay`.
    pub kind: String,
    /// Threads that compete (for `blocking-rw` and `queue`: the sum of both sides).
    pub threads: u32,
    /// Readers and writers, or producers and consumers, where they are told apart.
    pub sides: Option<[u32; 2]>,
    /// Length of the section inside the lock.
    pub section_ns: u64,
    /// Work between two sections.
    pub outside_ns: u64,
    /// Reads among the acquisitions, in tenths of a percent.
    pub reads_permille: Option<u32>,
    /// Whether the section sleeps instead of working.
    pub blocking: bool,
    /// Whether threads were pinned to cores.
    pub pinned: bool,
}

/// One subject's samples under one question's conditions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// `fair`, `parking_lot 0.13`, `mutex+fair+lockfree+futex`.
    pub subject: String,
    /// Whether it is one of the house; the others are rivals.
    pub own: bool,
    /// The features that make it the default of the node, where there are such.
    pub features: Option<String>,
    /// Something a reader has to know: `spins with more threads than cores`.
    pub remark: Option<String>,
    /// One a round; the rounds of all subjects are interleaved.
    pub samples: Vec<Sample>,
    /// The latency curve over all rounds: (quantile, ns), up to quantile 1.
    pub curve: Vec<(f64, u64)>,
    /// Who held the lock when, from one round: at most some thousand entries.
    pub owners: Vec<Tenure>,
}

/// One stretch of one thread inside the lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenure {
    /// The thread's number.
    pub thread: u32,
    /// Since the beginning of the round.
    pub from_ns: u64,
    /// Since the beginning of the round.
    pub to_ns: u64,
}

/// One subject in one round. What cannot be known for a subject is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Number of the round, from 0.
    pub round: u32,
    /// How long the round took.
    pub wall_s: f64,
    /// Operations of all threads.
    pub operations: u64,
    /// From request to grant, all threads.
    pub latency: Option<Latency>,
    /// The same for readers alone and writers alone, where both exist.
    pub readers: Option<Latency>,
    /// See `readers`.
    pub writers: Option<Latency>,
    /// Each thread's share.
    pub threads: Vec<Share>,
    /// Jain's index of the acquisitions: 1 is equal, 1/threads is one thread only.
    pub jain_operations: Option<f64>,
    /// Jain's index of the time inside the lock.
    pub jain_held: Option<f64>,
    /// The most grants to others between a request and its grant.
    pub bypass_max: Option<u64>,
    /// The longest time in which some waiting thread got nothing.
    pub starved_ns: Option<u64>,
    /// Processor time of all threads of the workload.
    pub cpu_s: f64,
    /// Processor time that was neither section nor work outside.
    pub wasted_s: Option<f64>,
    /// Context switches: voluntary, involuntary.
    pub switches: Option<[u64; 2]>,
    /// Futex calls; known for the locks of the house only.
    pub futex_calls: Option<u64>,
    /// Memory for each element that waits in a queue.
    pub bytes_per_element: Option<f64>,
}

/// Quantiles of a waiting time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// How many were measured.
    pub count: u64,
    /// Median.
    pub p50_ns: u64,
    /// 90 percent waited no longer.
    pub p90_ns: u64,
    /// 99 percent waited no longer.
    pub p99_ns: u64,
    /// 99.9 percent waited no longer.
    pub p999_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

/// One thread's share of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Acquisitions.
    pub operations: u64,
    /// Time inside the lock.
    pub held_ns: u64,
    /// Whether it was a reader, where sides are told apart.
    pub reader: bool,
}

/// One piece of advice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// For which use: `this workload`, `short exclusive sections`, `read-mostly tables`.
    pub purpose: String,
    /// The subject to take.
    pub choice: String,
    /// The line for `Cargo.toml` or the command line, where features choose it.
    pub features: Option<String>,
    /// How much better than the default, relative; `None` when the default is the choice.
    pub gain: Option<f64>,
    /// The next best, with its distance.
    pub runner_up: Option<String>,
    /// Subjects that are indistinguishable from the choice.
    pub within_noise: Vec<String>,
    /// The reason in a sentence, figures included.
    pub because: String,
}
