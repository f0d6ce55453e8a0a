//! One question as a table of texts: what terminal and Markdown print.
//!
//! Rows keep the order of the answers, rivals included wherever they stand: the table is not a
//! ranking. The best of each column is marked.

use super::columns::{COLUMNS, Column, subject_of_verdicts};
use super::stats::{Band, Verdict};
use crate::lab::record::{Answer, Question};
use serde::Serialize;
use std::cmp::Ordering;

/// A question's answers as texts.
#[derive(Serialize)]
pub(crate) struct Table {
    /// The headings; the first is the subject's, the second the comparison's.
    pub(crate) headings: Vec<String>,
    /// One row a subject.
    pub(crate) rows: Vec<Row>,
}

/// One subject.
#[derive(Serialize)]
pub(crate) struct Row {
    /// As many as there are headings.
    pub(crate) cells: Vec<Cell>,
    /// Whether the subject is one of the house.
    pub(crate) own: bool,
}

/// One figure.
#[derive(Clone, Serialize)]
pub(crate) struct Cell {
    /// The text.
    pub(crate) text: String,
    /// Whether nobody in the column is better.
    pub(crate) best: bool,
}

impl Cell {
    /// Makes a cell that is not marked.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), best: false }
    }
}

impl Table {
    /// Makes the table of a question.
    pub(crate) fn of(question: &Question) -> Self {
        let columns: Vec<Figures> =
            COLUMNS.iter().filter_map(|c| Figures::of(c, question)).collect();
        let mut headings = vec!["subject".to_owned(), "to baseline".to_owned()];
        headings.extend(columns.iter().map(|figures| figures.column.title.to_owned()));
        let rows = question.answers.iter().enumerate().map(|(index, answer)| {
            let compared = compared(question, answer);
            let mut cells = vec![Cell::plain(answer.subject.clone()), Cell::plain(compared)];
            cells.extend(columns.iter().map(|figures| figures.cell(index)));
            Row { cells, own: answer.own }
        });
        Self { headings, rows: rows.collect() }
    }
}

/// One column's bands, subject by subject.
struct Figures {
    column: &'static Column,
    bands: Vec<Option<Band>>,
    best: Option<f64>,
}

impl Figures {
    /// Returns nothing where nobody has a value.
    fn of(column: &'static Column, question: &Question) -> Option<Self> {
        let bands: Vec<_> = question.answers.iter().map(|answer| column.band(answer)).collect();
        let medians: Vec<f64> = bands.iter().flatten().map(|band| band.median).collect();
        let first = *medians.first()?;
        let better = |a: f64, b: f64| if column.is_better(b, a) { b } else { a };
        let best = medians.iter().copied().fold(first, better);
        // A column in which all are equal has no best.
        let best = medians.iter().any(|median| *median != best).then_some(best);
        Some(Self { column, bands, best })
    }

    fn cell(&self, index: usize) -> Cell {
        match self.bands[index] {
            None => Cell::plain("-"),
            Some(band) => Cell {
                text: self.column.unit.show(band.median),
                best: self.best == Some(band.median),
            },
        }
    }
}

/// Returns the answer that the others are compared to.
pub(crate) fn baseline(question: &Question) -> Option<&Answer> {
    let named = question.answers.iter().find(|answer| answer.subject == question.baseline);
    named.or_else(|| question.answers.first())
}

/// A subject beside the baseline's, in words.
pub(crate) fn compared(question: &Question, answer: &Answer) -> String {
    let Some(baseline) = baseline(question) else { return String::new() };
    if baseline.subject == answer.subject {
        return "(baseline)".to_owned();
    }
    match beside(question, answer, baseline) {
        Verdict::Indistinguishable => "indistinguishable".to_owned(),
        Verdict::Times(times) => times_text(times),
    }
}

/// Compares two subjects of a question by what its verdicts are about.
pub(crate) fn beside(question: &Question, first: &Answer, second: &Answer) -> Verdict {
    let column = subject_of_verdicts(&question.conditions.kind);
    Verdict::of(&column.rounds(first), &column.rounds(second), question.noise)
}

/// The best subject by what the question's verdicts are about.
pub(crate) fn fastest(question: &Question, is_wanted: impl Fn(&Answer) -> bool) -> Option<&Answer> {
    let column = subject_of_verdicts(&question.conditions.kind);
    let median = |answer: &&Answer| column.band(answer).map(|band| band.median);
    let wanted = question.answers.iter().filter(|answer| is_wanted(answer));
    let known = wanted.filter(|answer| median(answer).is_some());
    known.max_by(|a, b| median(a).partial_cmp(&median(b)).unwrap_or(Ordering::Equal))
}

/// Writes a ratio as people say it.
pub(crate) fn times_text(times: f64) -> String {
    match times {
        2.0.. => format!("x {}", super::columns::Unit::Plain.show(times)),
        _ => format!("{:+.0} %", (times - 1.0) * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::report::example::question;

    #[test]
    fn the_best_of_each_column_is_marked() {
        let table = Table::of(&question("q", 0.05, &[("mutex", 10.0), ("fair", 4.0)]));
        assert_eq!(table.headings[..3], ["subject", "to baseline", "ops/s"]);
        assert!(table.rows[0].cells[2].best && !table.rows[1].cells[2].best);
    }

    #[test]
    fn what_lies_within_the_noise_is_called_so() {
        let table = Table::of(&question("q", 0.5, &[("mutex", 10.0), ("fair", 9.0)]));
        assert_eq!(table.rows[0].cells[1].text, "(baseline)");
        assert_eq!(table.rows[1].cells[1].text, "indistinguishable");
    }

    #[test]
    fn ratios_read_like_speech() {
        assert_eq!(times_text(1.12), "+12 %");
        assert_eq!(times_text(0.4), "-60 %");
        assert_eq!(times_text(3.25), "x 3.25");
    }
}
