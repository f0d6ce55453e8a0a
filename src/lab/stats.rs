//! The arithmetic of the figures: shares, medians, quantiles, noise.
//!
//! Called by `measure` and `grid`; pure functions.

use hdrhistogram::Histogram;

use super::record::{Latency, Sample};

/// The longest time that a histogram tells apart: one minute.
const LONGEST_NS: u64 = 60_000_000_000;

/// Jain's index of these shares: 1 if all are equal, 1/n if one has everything; none if nobody has
/// anything.
#[must_use]
pub fn jain(shares: impl IntoIterator<Item = u64>) -> Option<f64> {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for share in shares {
        let share = share as f64;
        count += 1.0;
        sum += share;
        squares += share * share;
    }
    (squares > 0.0).then(|| sum * sum / (count * squares))
}

/// The value in the middle, or the mean of the two in the middle; none of nothing.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// How far two measurements of the same thing were apart, relative to their mean: the distance of
/// their medians, or the median distance of their rounds if that is more. (Two medians can be equal
/// by chance; that does not make the machine quiet.)
#[must_use]
pub fn noise(one: &[f64], other: &[f64]) -> f64 {
    let rounds = one.iter().zip(other).map(|(&a, &b)| apart(a, b));
    let of_rounds = median(rounds).unwrap_or(0.0);
    let medians = median(one.iter().copied()).zip(median(other.iter().copied()));
    medians.map_or(0.0, |(a, b)| apart(a, b)).max(of_rounds)
}

fn apart(a: f64, b: f64) -> f64 {
    let mean = f64::midpoint(a, b);
    if mean > 0.0 { (a - b).abs() / mean } else { 0.0 }
}

/// What a question compares: acquisitions a second, or for a wake-up the inverse of its median.
#[must_use]
pub fn figure(kind: &str, sample: &Sample) -> f64 {
    match sample.latency {
        Some(latency) if kind == "wake" => 1e9 / (latency.p50_ns.max(1) as f64),
        _ if sample.wall_s > 0.0 => sample.operations as f64 / sample.wall_s,
        _ => 0.0,
    }
}

/// Makes a histogram of nanoseconds with three digits.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("the bounds are in order")
}

/// The usual quantiles; none of an empty histogram.
#[must_use]
pub fn latency(times: &Histogram<u64>) -> Option<Latency> {
    (!times.is_empty()).then(|| Latency {
        count: times.len(),
        p50_ns: times.value_at_quantile(0.5),
        p90_ns: times.value_at_quantile(0.9),
        p99_ns: times.value_at_quantile(0.99),
        p999_ns: times.value_at_quantile(0.999),
        max_ns: times.max(),
    })
}

/// The curve of a histogram: (quantile, ns), dense towards the rare waits, up to quantile 1.
#[must_use]
pub fn curve(times: &Histogram<u64>) -> Vec<(f64, u64)> {
    if times.is_empty() {
        return Vec::new();
    }
    let points = times.iter_quantiles(5);
    points.map(|point| (point.quantile_iterated_to(), point.value_iterated_to())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jain_of_known_shares() {
        assert_eq!(jain([5, 5, 5, 5]), Some(1.0));
        assert_eq!(jain([7, 0, 0, 0]), Some(0.25));
        assert_eq!(jain([3, 1]), Some(16.0 / 20.0));
        assert_eq!(jain([0, 0]), None);
        assert_eq!(jain([]), None);
    }

    #[test]
    fn median_of_odd_even_and_nothing() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }

    fn check_noise(one: &[f64], other: &[f64], expected: f64) {
        let noise = noise(one, other);
        assert!((noise - expected).abs() < 1e-9, "{one:?} {other:?}: {noise}");
    }

    #[test]
    fn noise_is_the_distance_of_medians_or_of_rounds() {
        check_noise(&[100.0; 5], &[100.0; 5], 0.0);
        check_noise(&[90.0; 3], &[110.0; 3], 0.2);
        // The medians are equal, the rounds are not.
        check_noise(&[90.0, 100.0, 110.0], &[110.0, 100.0, 90.0], 0.2);
        check_noise(&[], &[], 0.0);
        check_noise(&[0.0], &[0.0], 0.0);
    }

    #[test]
    fn a_wake_is_compared_by_its_median() {
        let latency = Some(Latency { p50_ns: 1_000, ..Latency::default() });
        let sample = Sample { wall_s: 2.0, operations: 10, latency, ..Sample::default() };
        assert!((figure("exclusive", &sample) - 5.0).abs() < 1e-9);
        assert!((figure("wake", &sample) - 1e6).abs() < 1e-6);
        assert!(figure("exclusive", &Sample::default()).abs() < 1e-9);
    }

    #[test]
    fn quantiles_and_the_curve_end_at_the_longest() {
        assert_eq!(latency(&histogram()), None);
        assert!(curve(&histogram()).is_empty());
        let mut times = histogram();
        (1..=1_000).for_each(|time| times.saturating_record(time));
        let found = latency(&times).unwrap();
        assert_eq!(
            (found.count, found.p50_ns, found.p99_ns, found.max_ns),
            (1_000, 500, 990, 1_000)
        );
        let curve = curve(&times);
        assert_eq!(curve.last(), Some(&(1.0, 1_000)));
        assert!(curve.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{curve:?}");
    }
}
