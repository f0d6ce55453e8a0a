//! The fingerprint of the machine and the build, and the time of day.
//!
//! Called by `run`. What cannot be read is left out or called unknown; figures are worth having
//! without it.

use std::env::consts::{ARCH, OS};
use std::fs::read_to_string;
use std::time::{SystemTime, UNIX_EPOCH};

use super::record::{Machine, Report, SCHEMA};
use crate::affinity;
use crate::sync::describe;

const GOVERNOR: &str = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";

/// Begins a report: when, where and by which command.
pub(super) fn report(allocator: &str, command: &str) -> Report {
    Report {
        schema: SCHEMA,
        command: command.to_owned(),
        started: now(),
        machine: fingerprint(allocator),
        ..Report::default()
    }
}

/// Describes the machine as it is now. Only the executable knows its allocator.
#[must_use]
pub fn fingerprint(allocator: &str) -> Machine {
    let load = load();
    Machine {
        cpu: cpu().unwrap_or_else(|| format!("unknown {ARCH}")),
        cores: u32::try_from(affinity::cores()).unwrap_or(u32::MAX),
        governor: read_to_string(GOVERNOR).ok().map(|name| name.trim().to_owned()),
        system: system(),
        rustc: env!("IRONSKY_RUSTC").to_owned(),
        ironsky: version(),
        strategy: describe().to_string(),
        allocator: allocator.to_owned(),
        load: [load, load],
    }
}

/// The load average over one minute; 0 where the system does not say.
#[must_use]
pub fn load() -> f64 {
    let text = read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    match option_env!("IRONSKY_COMMIT") {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    }
}

fn cpu() -> Option<String> {
    let info = read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn system() -> String {
    let release = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    [OS, release.trim(), ARCH]
        .iter()
        .filter(|part| !part.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The present moment: RFC 3339, UTC.
#[must_use]
pub fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    date(since.as_secs())
}

/// A moment in seconds since 1970 as a date and a time.
fn date(seconds: u64) -> String {
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    while days >= days_of(year) {
        days -= days_of(year);
        year += 1;
    }
    let mut month = 0;
    while days >= month_days(year, month) {
        days -= month_days(year, month);
        month += 1;
    }
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    let (month, day, second) = (month + 1, days + 1, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn days_of(year: u64) -> u64 {
    (0..12).map(|month| month_days(year, month)).sum()
}

fn month_days(year: u64, month: usize) -> u64 {
    let leaps = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month];
    days + u64::from(month == 1 && leaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_are_known() {
        assert_eq!(date(0), "1970-01-01T00:00:00Z");
        assert_eq!(date(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(date(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(date(1_234_567_890), "2009-02-13T23:31:30Z");
        assert_eq!(date(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn the_fingerprint_is_filled() {
        let machine = fingerprint("test");
        assert!(machine.cores >= 1 && machine.rustc.starts_with("rustc "), "{machine:?}");
        assert!(machine.system.starts_with(OS) && !machine.cpu.is_empty(), "{machine:?}");
        assert_eq!((&*machine.allocator, machine.strategy), ("test", describe().to_string()));
    }
}
