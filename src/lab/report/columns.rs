//! The figures of a report: how each is read out of a sample, and how it is written.
//!
//! Called by every output but JSON. A new figure is one line in [`COLUMNS`]. A column is shown
//! only where some subject has a value for it.

use super::stats::Band;
use crate::lab::record::{Answer, Latency, Sample};

/// One figure.
pub(crate) struct Column {
    /// Its name in the CSV.
    pub(crate) key: &'static str,
    /// Its heading.
    pub(crate) title: &'static str,
    /// How it is written.
    pub(crate) unit: Unit,
    /// Which direction is good; none for what is only told.
    pub(crate) better: Option<Better>,
    /// Reads it.
    pub(crate) value: fn(&Sample) -> Option<f64>,
}

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Operations a second.
    Rate,
    /// Nanoseconds.
    Time,
    /// A plain number with two decimals.
    Plain,
    /// A number of things.
    Count,
}

/// Which direction is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    /// More is better.
    High,
    /// Less is better.
    Low,
}

/// All figures, the most telling first: narrow outputs cut from the end.
pub(crate) const COLUMNS: &[Column] = &[
    Column::new("per_second", "ops/s", Unit::Rate, Better::High, rate),
    Column::new("p50_ns", "p50", Unit::Time, Better::Low, |s| all(s, |l| l.p50_ns)),
    Column::new("p99_ns", "p99", Unit::Time, Better::Low, |s| all(s, |l| l.p99_ns)),
    Column::new("p999_ns", "p99.9", Unit::Time, Better::Low, |s| all(s, |l| l.p999_ns)),
    Column::new("max_ns", "max", Unit::Time, Better::Low, |s| all(s, |l| l.max_ns)),
    Column::new("readers_p99_ns", "read p99", Unit::Time, Better::Low, readers_p99),
    Column::new("writers_p99_ns", "write p99", Unit::Time, Better::Low, writers_p99),
    Column::new("cpu_cores", "cores", Unit::Plain, Better::Low, cores),
    Column::new("per_cpu_second", "ops/CPU s", Unit::Rate, Better::High, per_cpu_second),
    Column::new("wasted_cores", "wasted", Unit::Plain, Better::Low, wasted),
    Column::new("jain_operations", "Jain ops", Unit::Plain, Better::High, |s| s.jain_operations),
    Column::new("jain_held", "Jain held", Unit::Plain, Better::High, |s| s.jain_held),
    Column::new("bypass_max", "bypass", Unit::Count, Better::Low, |s| float(s.bypass_max)),
    Column::new("starved_ns", "starved", Unit::Time, Better::Low, |s| float(s.starved_ns)),
    Column::new("switches_per_1000", "switches/k", Unit::Plain, Better::Low, switches),
    Column::new("futex_per_1000", "futex/k", Unit::Plain, Better::Low, futex),
    Column::new("bytes", "bytes", Unit::Plain, Better::Low, |s| s.bytes_per_element),
];

/// What verdicts on a question of this kind are about: the throughput, or for wake-ups the median
/// latency, turned over so that more is better.
pub(crate) fn subject_of_verdicts(kind: &str) -> &'static Column {
    const RATE: &Column = &COLUMNS[0];
    const WAKE: &Column =
        &Column::new("wakes_per_second", "wake-ups/s", Unit::Rate, Better::High, |sample| {
            per(1e9, sample.latency?.p50_ns as f64)
        });
    if kind == "wake" { WAKE } else { RATE }
}

impl Column {
    const fn new(
        key: &'static str,
        title: &'static str,
        unit: Unit,
        better: Better,
        value: fn(&Sample) -> Option<f64>,
    ) -> Self {
        Self { key, title, unit, better: Some(better), value }
    }

    /// Returns the median and the extremes over the rounds.
    pub(crate) fn band(&self, answer: &Answer) -> Option<Band> {
        Band::of(answer.samples.iter().filter_map(self.value))
    }

    /// Returns the value of each round.
    pub(crate) fn rounds(&self, answer: &Answer) -> Vec<(u32, f64)> {
        let value = |sample| Some((sample, (self.value)(sample)?));
        let values = answer.samples.iter().filter_map(value);
        values.map(|(sample, value): (&Sample, f64)| (sample.round, value)).collect()
    }

    /// Says whether `value` is better than `other`.
    pub(crate) fn is_better(&self, value: f64, other: f64) -> bool {
        match self.better {
            Some(Better::High) => value > other,
            Some(Better::Low) => value < other,
            None => false,
        }
    }
}

impl Unit {
    /// Writes a value with at most three significant digits where the unit allows it.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Rate => scaled(value, &[(1e9, " G"), (1e6, " M"), (1e3, " k"), (1.0, "")]),
            Self::Time => time(value),
            Self::Plain if value >= 100.0 => format!("{value:.0}"),
            Self::Plain => format!("{value:.2}"),
            Self::Count if value < 1e4 => format!("{value:.0}"),
            Self::Count => scaled(value, &[(1e6, " M"), (1e3, " k")]),
        }
    }
}

fn time(ns: f64) -> String {
    scaled(ns, &[(1e9, " s"), (1e6, " ms"), (1e3, " us"), (1.0, " ns")])
}

/// Divides by the first unit that fits; what fits none is written as it is.
fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    // Rounding comes first, so that 999.9 becomes 1.00 of the next unit.
    let rounded = three_digits(value);
    let (size, name) = units.iter().find(|(size, _)| rounded >= *size).unwrap_or(&(1.0, ""));
    let shown = rounded / size;
    match shown {
        _ if shown == 0.0 || (*size == 1.0 && shown.fract() == 0.0) => format!("{shown:.0}{name}"),
        10.0..100.0 => format!("{shown:.1}{name}"),
        0.0..10.0 => format!("{shown:.2}{name}"),
        _ => format!("{shown:.0}{name}"),
    }
}

fn three_digits(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let unit = 10f64.powi(value.abs().log10().floor() as i32 - 2);
    (value / unit).round() * unit
}

fn rate(sample: &Sample) -> Option<f64> {
    per(sample.operations as f64, sample.wall_s)
}

/// Where nobody counted processor time it is 0.
fn cores(sample: &Sample) -> Option<f64> {
    per(sample.cpu_s, sample.wall_s).filter(|cores| *cores > 0.0)
}

/// What other work on the machine disturbs least: it takes time away, but not this.
fn per_cpu_second(sample: &Sample) -> Option<f64> {
    per(sample.operations as f64, sample.cpu_s)
}

fn wasted(sample: &Sample) -> Option<f64> {
    per(sample.wasted_s?, sample.wall_s)
}

fn switches(sample: &Sample) -> Option<f64> {
    let [voluntary, involuntary] = sample.switches?;
    per((voluntary + involuntary) as f64 * 1000.0, sample.operations as f64)
}

fn futex(sample: &Sample) -> Option<f64> {
    per(sample.futex_calls? as f64 * 1000.0, sample.operations as f64)
}

fn readers_p99(sample: &Sample) -> Option<f64> {
    sample.readers.map(|latency| latency.p99_ns as f64)
}

fn writers_p99(sample: &Sample) -> Option<f64> {
    sample.writers.map(|latency| latency.p99_ns as f64)
}

fn all(sample: &Sample, quantile: fn(&Latency) -> u64) -> Option<f64> {
    sample.latency.as_ref().map(|latency| quantile(latency) as f64)
}

fn float(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64)
}

fn per(value: f64, base: f64) -> Option<f64> {
    (base > 0.0).then(|| value / base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_a_unit() {
        let check = |unit: Unit, value: f64, text: &str| assert_eq!(unit.show(value), text);
        check(Unit::Rate, 12_345_678.0, "12.3 M");
        check(Unit::Rate, 950.0, "950");
        check(Unit::Rate, 999_900.0, "1.00 M");
        check(Unit::Rate, 0.5, "0.50");
        check(Unit::Time, 0.0, "0");
        check(Unit::Time, 85.0, "85 ns");
        check(Unit::Time, 1_290_000.0, "1.29 ms");
        check(Unit::Time, 1.5e9, "1.50 s");
        check(Unit::Count, 7.0, "7");
        check(Unit::Count, 12_345.0, "12.3 k");
        check(Unit::Plain, 0.125, "0.12");
        check(Unit::Plain, 255.5, "256");
    }

    #[test]
    fn a_figure_that_is_not_known_is_not_there() {
        let sample = Sample { operations: 100, ..Sample::default() };
        let known = COLUMNS.iter().filter(|column| (column.value)(&sample).is_some());
        assert_eq!(known.count(), 0, "no wall clock, no rate");
    }

    #[test]
    fn rates_are_by_the_second_and_events_by_the_thousand() {
        let sample = Sample {
            wall_s: 0.5,
            operations: 1_000,
            cpu_s: 1.0,
            switches: Some([3, 2]),
            ..Sample::default()
        };
        let value = |key: &str| {
            let column = COLUMNS.iter().find(|column| column.key == key).expect("it exists");
            (column.value)(&sample)
        };
        assert_eq!(value("per_second"), Some(2_000.0));
        assert_eq!(value("cpu_cores"), Some(2.0));
        assert_eq!(value("switches_per_1000"), Some(5.0));
        assert_eq!(value("futex_per_1000"), None);
    }
}
