//! Log lines that strangers cause: so many a second are written, the others are counted.
//!
//! `lualib/skynet/limited_log.lua` is the same for services in Lua.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const LINES_A_SECOND: u32 = 10;

/// The lines of one source.
#[derive(Default)]
pub(super) struct Lines(Mutex<Option<Second>>);

/// A second in which lines were written.
struct Second {
    began: Instant,
    written: u32,
    dropped: u64,
}

impl Lines {
    /// Makes the line and passes it on, unless there were too many in this second.
    pub(super) fn write(&self, line: impl FnOnce() -> String, pass: impl Fn(&str)) {
        let (dropped, admitted) = self.admit(Instant::now());
        if dropped > 0 {
            pass(&format!("{dropped} more such lines"));
        }
        if admitted {
            pass(&line());
        }
    }

    /// Returns how many lines the second before has lost, and whether there is room for one more.
    fn admit(&self, now: Instant) -> (u64, bool) {
        let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Second { began: now, written: 0, dropped: 0 };
        let current = second.get_or_insert(fresh);
        let mut lost = 0;
        if now.duration_since(current.began) >= Duration::from_secs(1) {
            lost = current.dropped;
            *current = Second { began: now, written: 0, dropped: 0 };
        }
        let admitted = current.written < LINES_A_SECOND;
        if admitted {
            current.written += 1;
        } else {
            current.dropped += 1;
        }
        (lost, admitted)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{LINES_A_SECOND, Lines};

    #[test]
    fn some_lines_pass_and_the_others_are_counted() {
        let lines = Lines::default();
        let now = Instant::now();
        for _ in 0..LINES_A_SECOND {
            assert_eq!(lines.admit(now), (0, true));
        }
        for _ in 0..5 {
            assert_eq!(lines.admit(now), (0, false));
        }
        let later = now + Duration::from_secs(1);
        assert_eq!(lines.admit(later), (5, true));
        assert_eq!(lines.admit(later), (0, true));
    }
}
