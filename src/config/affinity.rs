//! The `affinity` key: which cores the workers are pinned to.
//!
//! `settings` reads it; the scheduler pins its workers by it. The key is not one of the
//! reference's, so a text that means nothing is an error here, not a default.

/// Which core each worker runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Affinity {
    /// Workers run where the operating system puts them (`false`, or no such key).
    #[default]
    Free,
    /// Worker `i` runs on the `i`-th core the process may use, starting over at the end (`true`).
    EveryCore,
    /// Worker `i` runs on the `i`-th core of the list, starting over at the end (`"0,2,4"`).
    Cores(Vec<usize>),
}

impl Affinity {
    /// What the key may hold, for error texts.
    pub(super) const EXPECTED: &str = "true, false or a list of cores such as \"0,2,4\"";

    /// Returns the cores to pin workers to, in turn, when the process may use `usable` of them;
    /// none when workers are not pinned.
    pub fn cores(&self, usable: usize) -> Vec<usize> {
        match self {
            Self::Free => Vec::new(),
            Self::EveryCore => (0..usable).collect(),
            Self::Cores(list) => list.clone(),
        }
    }

    /// Reads the text of the key.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "true" => Some(Self::EveryCore),
            "false" => Some(Self::Free),
            list => Some(Self::Cores(core_list(list)?)),
        }
    }
}

fn core_list(list: &str) -> Option<Vec<usize>> {
    list.split(',').map(|core| core.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_flags_and_lists() {
        assert_eq!(Affinity::parse("true"), Some(Affinity::EveryCore));
        assert_eq!(Affinity::parse("false"), Some(Affinity::Free));
        assert_eq!(Affinity::parse("0, 2,4"), Some(Affinity::Cores(vec![0, 2, 4])));
    }

    #[test]
    fn says_which_cores() {
        assert_eq!(Affinity::Free.cores(2), [0; 0]);
        assert_eq!(Affinity::EveryCore.cores(2), [0, 1]);
        assert_eq!(Affinity::Cores(vec![3]).cores(2), [3]);
    }

    #[test]
    fn refuses_anything_else() {
        for text in ["", "yes", "0,,2", "0-3", "-1", "1.5", "0,2,"] {
            assert_eq!(Affinity::parse(text), None, "{text:?}");
        }
    }
}
