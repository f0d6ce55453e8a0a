//! Medians, bands, and whether two subjects differ at all.
//!
//! Called by the tables and by `advice`. Two subjects differ if both hold, and are
//! indistinguishable otherwise:
//! 1. the median of their ratios, round by round, is farther from 1 than the noise of the question
//!    (with a noise of 25 percent: outside 0.8 to 1.25);
//! 2. the 95 percent interval of that median (bootstrap over the rounds) does not contain 1.
//!
//! Rounds are interleaved, so a ratio compares what ran side by side: a slow minute of the machine
//! hits both. Less than [`ROUNDS_MIN`] common rounds prove nothing.

/// A verdict needs so many rounds.
pub(crate) const ROUNDS_MIN: usize = 3;

/// How many times the bootstrap draws: enough that the bounds no longer move in the second digit.
const DRAWS: usize = 400;

/// The middle of some values, and how far they spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Band {
    /// The median.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Band {
    /// Returns nothing for no values. Values that are no numbers are left out.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        Some(Self { median: middle(&values), min, max })
    }
}

/// The median of sorted values.
fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => f64::midpoint(sorted[half - 1], sorted[half]),
        _ => sorted[half],
    }
}

/// What can be said about one subject beside another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// The difference may be chance.
    Indistinguishable,
    /// The first has so many times the value of the second.
    Times(f64),
}

impl Verdict {
    /// Compares the values of two subjects, each with the number of its round.
    pub(crate) fn of(first: &[(u32, f64)], second: &[(u32, f64)], noise: f64) -> Self {
        let mut ratios = ratios(first, second);
        if ratios.len() < ROUNDS_MIN {
            return Self::Indistinguishable;
        }
        let (low, high) = interval(&ratios);
        ratios.sort_by(f64::total_cmp);
        let median = middle(&ratios);
        let is_outside = median.max(1.0 / median) > 1.0 + noise && !(low..=high).contains(&1.0);
        if is_outside { Self::Times(median) } else { Self::Indistinguishable }
    }

    /// Whether the first has certainly more.
    pub(crate) fn is_more(self) -> bool {
        matches!(self, Self::Times(times) if times > 1.0)
    }
}

/// The ratios of the rounds that both have.
fn ratios(first: &[(u32, f64)], second: &[(u32, f64)]) -> Vec<f64> {
    let in_second = |round: u32| second.iter().find(|(other, _)| *other == round);
    let pairs = first.iter().filter_map(|(round, value)| Some((value, &in_second(*round)?.1)));
    pairs.map(|(a, b)| a / b).filter(|ratio| ratio.is_finite() && *ratio > 0.0).collect()
}

/// The 95 percent interval of the median, by the bootstrap.
///
/// The draws are the same for the same input, so a report says the same whenever it is made.
pub(crate) fn interval(values: &[f64]) -> (f64, f64) {
    let mut random = Draw(0x9E37_79B9_7F4A_7C15);
    let mut medians = Vec::with_capacity(DRAWS);
    let mut drawn = vec![0.0; values.len()];
    for _ in 0..DRAWS {
        drawn.fill_with(|| values[random.below(values.len())]);
        drawn.sort_by(f64::total_cmp);
        medians.push(middle(&drawn));
    }
    medians.sort_by(f64::total_cmp);
    (medians[DRAWS / 40], medians[DRAWS - 1 - DRAWS / 40])
}

/// Pseudo-random numbers: xorshift.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(values: &[f64]) -> Vec<(u32, f64)> {
        (0..).zip(values.iter().copied()).collect()
    }

    #[test]
    fn a_band_is_the_median_between_the_extremes() {
        let band = Band::of([4.0, 1.0, f64::NAN, 2.0]).expect("there are values");
        assert_eq!((band.median, band.min, band.max), (2.0, 1.0, 4.0));
        assert_eq!(Band::of([1.0, 2.0]).expect("there are values").median, 1.5);
        assert_eq!(Band::of([]), None);
    }

    #[test]
    fn a_difference_beyond_noise_and_spread_is_told() {
        let (fast, slow) = (rounds(&[20.0, 22.0, 21.0, 20.5, 21.5]), rounds(&[10.0; 5]));
        assert_eq!(Verdict::of(&fast, &slow, 0.05), Verdict::Times(2.1));
        assert!(Verdict::of(&fast, &slow, 0.05).is_more());
        assert!(!Verdict::of(&slow, &fast, 0.05).is_more());
    }

    #[test]
    fn a_difference_within_the_noise_is_none() {
        let (first, second) = (rounds(&[10.4; 5]), rounds(&[10.0; 5]));
        assert_eq!(Verdict::of(&first, &second, 0.05), Verdict::Indistinguishable);
        assert_ne!(Verdict::of(&first, &second, 0.03), Verdict::Indistinguishable);
    }

    #[test]
    fn noise_hides_slower_as_well_as_faster() {
        let (first, second) = (rounds(&[30.0; 5]), rounds(&[10.0; 5]));
        assert_eq!(Verdict::of(&first, &second, 1.5), Verdict::Times(3.0));
        assert_ne!(Verdict::of(&second, &first, 1.5), Verdict::Indistinguishable);
        assert_eq!(Verdict::of(&second, &first, 2.5), Verdict::Indistinguishable);
    }

    #[test]
    fn rounds_that_disagree_prove_nothing() {
        let (first, second) = (rounds(&[5.0, 30.0, 8.0, 40.0, 9.0, 30.0]), rounds(&[10.0; 6]));
        assert_eq!(Verdict::of(&first, &second, 0.01), Verdict::Indistinguishable);
    }

    #[test]
    fn only_common_rounds_count() {
        let second = [(0, 1.0), (5, 1.0), (6, 1.0)];
        assert_eq!(Verdict::of(&rounds(&[9.0; 5]), &second, 0.01), Verdict::Indistinguishable);
    }

    #[test]
    fn a_slow_minute_of_the_machine_cancels_out() {
        let first = rounds(&[12.0, 24.0, 6.0, 12.1, 23.8]);
        let second = rounds(&[10.0, 20.0, 5.0, 10.0, 20.0]);
        assert!(Verdict::of(&first, &second, 0.05).is_more());
    }
}
