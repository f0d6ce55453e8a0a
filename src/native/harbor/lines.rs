//! How many lines other nodes may cause in the log: ten a second, the others are counted.
//! Used by `network.rs`.

const LINES_A_SECOND: u64 = 10;

/// Counts the lines of the current second.
#[derive(Debug, Default)]
pub(super) struct Lines {
    second: u64,
    written: u64,
    dropped: u64,
}

impl Lines {
    /// A line is there in this second: returns how many were dropped before it, or `None` when it
    /// is dropped too.
    pub(super) fn pass(&mut self, second: u64) -> Option<u64> {
        let mut before = 0;
        if second != self.second {
            before = self.dropped;
            *self = Self { second, ..Self::default() };
        }
        if self.written < LINES_A_SECOND {
            self.written += 1;
            Some(before)
        } else {
            self.dropped += 1;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_a_second_pass_and_the_others_are_counted() {
        let mut lines = Lines::default();
        let passed = (0..15).filter_map(|_| lines.pass(3)).collect::<Vec<_>>();
        assert_eq!(passed, [0; LINES_A_SECOND as usize]);
        assert_eq!(lines.pass(4), Some(5));
        assert_eq!(lines.pass(4), Some(0));
        assert_eq!(lines.pass(9), Some(0));
    }
}
