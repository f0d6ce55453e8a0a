//! The locks of a real load, as questions.
//!
//! Called by `options` (reading) and `grid` (asking). A profile is written by the lock statistics
//! of a running node: a JSON array, one object a class of locks.

use serde::{Deserialize, Serialize};

use super::options::{SECTION_MAX_NS, THREADS_MAX};

/// How the locks of one class were used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// Its name: `mailbox`, `registry`.
    pub class: String,
    /// What kind of lock it is.
    pub kind: Kind,
    /// Threads that used it.
    pub threads: usize,
    /// Reads among the acquisitions, in tenths of a percent.
    #[serde(default)]
    pub reads_permille: u32,
    /// How long it was held, in the mean.
    pub hold_ns: u64,
    /// How long a thread did something else between two acquisitions, in the mean.
    pub outside_ns: u64,
    /// How often it was taken.
    pub acquisitions: u64,
    /// How often somebody had to wait.
    #[serde(default)]
    pub collisions: u64,
}

/// The kind of a class' locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One thread at a time.
    Exclusive,
    /// Readers share.
    Shared,
}

impl Class {
    /// The work outside that the lab does at most: beyond it a lock is idle and any will do.
    pub const OUTSIDE_MAX_NS: u64 = 1_000_000;

    /// The part of the acquisitions that had to wait.
    #[must_use]
    pub fn waited_percent(&self) -> f64 {
        100.0 * self.collisions as f64 / self.acquisitions.max(1) as f64
    }

    fn check(&self) -> Result<(), String> {
        let class = &self.class;
        if !(1..=THREADS_MAX).contains(&self.threads) {
            return Err(format!("{class}: threads is {}, not 1 to {THREADS_MAX}", self.threads));
        }
        if self.reads_permille > 1_000 {
            return Err(format!(
                "{class}: reads_permille is {}, not 0 to 1000",
                self.reads_permille
            ));
        }
        if self.hold_ns > SECTION_MAX_NS {
            return Err(format!("{class}: hold_ns is {}, not 0 to {SECTION_MAX_NS}", self.hold_ns));
        }
        Ok(())
    }
}

/// Reads a profile. The error says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Vec<Class>, String> {
    let classes: Vec<Class> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    classes.iter().try_for_each(Class::check)?;
    let used: Vec<Class> = classes.into_iter().filter(|class| class.acquisitions > 0).collect();
    if used.is_empty() {
        return Err("it has no class of locks that were used".to_owned());
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::stats::{self, ClassStats, Totals};

    const TEXT: &str = r#"[
        {"class": "mailbox", "kind": "exclusive", "threads": 4, "hold_ns": 80,
         "outside_ns": 900, "acquisitions": 100000, "collisions": 12},
        {"class": "registry", "kind": "shared", "threads": 4, "reads_permille": 998,
         "hold_ns": 60, "outside_ns": 2000, "acquisitions": 5000, "collisions": 3},
        {"class": "idle", "kind": "shared", "threads": 1, "hold_ns": 0, "outside_ns": 0,
         "acquisitions": 0}
    ]"#;

    #[test]
    fn classes_that_were_used_are_read() {
        let classes = parse(TEXT).unwrap();
        assert_eq!(classes.len(), 2);
        assert_eq!((classes[0].kind, classes[0].reads_permille), (Kind::Exclusive, 0));
        assert_eq!((classes[1].kind, classes[1].reads_permille), (Kind::Shared, 998));
    }

    #[track_caller]
    fn check(text: &str, part: &str) {
        let error = parse(text).unwrap_err();
        assert!(error.contains(part), "{part} is not in {error}");
    }

    #[test]
    fn a_profile_of_the_counters_is_read() {
        let totals = Totals {
            threads: 3,
            acquisitions: 2_000,
            reads: 1_996,
            is_shared: true,
            collisions: 5,
            hold_ns: 900,
            holds: 10,
            outside_ns: 7_000,
            outsides: 7,
            ..Totals::default()
        };
        let text = stats::profile(&[ClassStats { class: "registry", is_on: true, totals }]);
        let expected = Class {
            class: "registry".to_owned(),
            kind: Kind::Shared,
            threads: 3,
            reads_permille: 998,
            hold_ns: 90,
            outside_ns: 1_000,
            acquisitions: 2_000,
            collisions: 5,
        };
        assert!((expected.waited_percent() - 0.25).abs() < 1e-9);
        assert_eq!(parse(&text).unwrap(), [expected]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        check("[]", "no class of locks");
        check("{}", "expected a sequence");
        check(&TEXT.replace("\"threads\": 4", "\"threads\": 0"), "mailbox: threads is 0");
        check(&TEXT.replace("998", "1001"), "registry: reads_permille is 1001, not 0 to 1000");
        check(&TEXT.replace("\"hold_ns\": 80", "\"hold_ns\": 8000000000"), "mailbox: hold_ns");
        check(&TEXT.replace("exclusive", "other"), "unknown variant `other`");
    }
}
