//! Wall time in the local time zone, for log lines.
//!
//! The one place that asks the C library about time zones, so that the zone is found the way
//! every other program of the machine finds it (`TZ`, `/etc/localtime`). The standard library
//! has no time zones, and a crate would bring its own rules and tables for this one call.

use std::mem::MaybeUninit;

/// A moment as a calendar and a clock on the wall show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// All digits of the year.
    pub year: i64,
    /// 0 is January.
    pub month: usize,
    /// 1 to 31.
    pub day: i32,
    /// 0 is Sunday.
    pub weekday: usize,
    /// 0 to 23.
    pub hour: i32,
    /// 0 to 59.
    pub minute: i32,
    /// 0 to 60: there are leap seconds.
    pub second: i32,
}

impl LocalTime {
    /// Returns the local time `seconds` after the epoch.
    ///
    /// A moment that has no calendar date (its year does not fit the C library's type) is shown
    /// as the epoch.
    pub fn at(seconds: i64) -> Self {
        broken_down(seconds).or_else(|| broken_down(0)).map_or(EPOCH, |tm| Self {
            year: i64::from(tm.tm_year) + 1900,
            month: tm.tm_mon as usize % 12,
            day: tm.tm_mday,
            weekday: tm.tm_wday as usize % 7,
            hour: tm.tm_hour,
            minute: tm.tm_min,
            second: tm.tm_sec,
        })
    }
}

const EPOCH: LocalTime =
    LocalTime { year: 1970, month: 0, day: 1, weekday: 4, hour: 0, minute: 0, second: 0 };

fn broken_down(seconds: i64) -> Option<libc::tm> {
    let mut tm = MaybeUninit::<libc::tm>::uninit();
    // SAFETY:
    // - The first argument points to a `time_t` that lives through the call.
    // - The second is valid for a write of a `tm`; nobody else has a pointer to it.
    // - The call may read the variable TZ; the crate never changes the environment of the process.
    let result = unsafe { libc::localtime_r(&seconds, tm.as_mut_ptr()) };
    if result.is_null() {
        return None;
    }
    // SAFETY: a result that is not null says that the whole `tm` has been written.
    Some(unsafe { tm.assume_init() })
}

/// Remembers the second last asked for: lines that come in bursts share it, and the C library
/// takes a lock for each question.
#[derive(Debug, Default)]
pub struct LocalClock {
    last: Option<(i64, LocalTime)>,
}

impl LocalClock {
    /// As [`LocalTime::at`].
    pub fn at(&mut self, seconds: i64) -> LocalTime {
        match self.last {
            Some((second, time)) if second == seconds => time,
            _ => self.last.insert((seconds, LocalTime::at(seconds))).1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What `shows_a_known_moment` expects; only set in the processes that it starts.
    const EXPECTED: &str = "IRONSKY_TEST_LOCAL_TIME";
    const MOMENT: i64 = 1_795_290_014;

    fn text(time: LocalTime) -> String {
        let LocalTime { year, month, day, weekday, hour, minute, second } = time;
        format!("{year}/{}/{day} {weekday} {hour}:{minute}:{second}", month + 1)
    }

    /// The zone belongs to the process, so each one is looked at by a process of its own.
    #[test]
    fn shows_a_known_moment() {
        if let Ok(expected) = std::env::var(EXPECTED) {
            assert_eq!(text(LocalTime::at(MOMENT)), expected);
            return;
        }
        for (zone, expected) in
            [("UTC0", "2026/11/21 6 19:40:14"), ("XXX-8", "2026/11/22 0 3:40:14")]
        {
            let test = "native::local_time::tests::shows_a_known_moment";
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args([test, "--exact"]).env("TZ", zone).env(EXPECTED, expected);
            let output = child.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
    }

    #[test]
    fn a_moment_without_a_date_is_the_epoch() {
        assert_eq!(LocalTime::at(i64::MAX), LocalTime::at(0));
    }

    #[test]
    fn the_clock_follows() {
        let mut clock = LocalClock::default();
        for seconds in [MOMENT, MOMENT, MOMENT + 1, MOMENT] {
            assert_eq!(clock.at(seconds), LocalTime::at(seconds));
        }
    }
}
