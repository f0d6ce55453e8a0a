//! The report for a terminal: a table a question, then the advice.
//!
//! Called by the command line. What does not fit the width is left out from the right, and a line
//! says so; the files have everything. With more questions than [`TABLES_MAX`] each question is one
//! row of an overview.

use super::columns::subject_of_verdicts;
use super::table::{Cell, Row, Table, baseline, beside, fastest, times_text};
use super::text::{advice_lines, conditions_of_run, noise};
use crate::lab::record::{Question, Report};
use crate::lab::report::stats::Verdict;

/// So many tables are read before people stop to scroll.
const TABLES_MAX: usize = 24;
/// Narrower terminals are treated as this wide: a name and two figures.
const WIDTH_MIN: usize = 48;

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const GREEN: &str = "\x1b[32m";
const PLAIN: &str = "\x1b[0m";

/// Writes the report for a terminal of this width.
#[must_use]
pub fn terminal(report: &Report, color: bool, width: usize) -> String {
    let page = Page { color, width: width.max(WIDTH_MIN) };
    let mut text = String::new();
    for line in conditions_of_run(report) {
        text.push_str(&format!("{line}\n"));
    }
    if report.questions.len() > TABLES_MAX {
        page.overview(&report.questions, &mut text);
    } else {
        report.questions.iter().for_each(|question| page.question(question, &mut text));
    }
    page.advice(report, &mut text);
    text
}

/// What limits the output.
struct Page {
    color: bool,
    width: usize,
}

impl Page {
    fn question(&self, question: &Question, text: &mut String) {
        let heading = self.paint(BOLD, &question.title);
        text.push_str(&format!("\n{heading} ({}; {})\n", question.name, noise(question)));
        self.table(&Table::of(question), text);
        for answer in &question.answers {
            if let Some(remark) = &answer.remark {
                text.push_str(&format!("  {}: {remark}\n", answer.subject));
            }
        }
    }

    fn overview(&self, questions: &[Question], text: &mut String) {
        let headings = ["question", "best of the house", "ops/s", "to default", "best of all"];
        let rows = questions.iter().filter_map(overview_row).collect();
        let table = Table { headings: headings.map(str::to_owned).to_vec(), rows };
        text.push_str(&format!("\n{}\n", self.paint(BOLD, "All questions, by throughput")));
        self.table(&table, text);
    }

    fn table(&self, table: &Table, text: &mut String) {
        let widths = widths(table);
        let shown = self.columns_that_fit(&widths);
        let headings: Vec<Cell> = table.headings.iter().map(Cell::plain).collect();
        self.line(&headings, &widths[..shown], DIM, text);
        for row in &table.rows {
            self.line(&marked(row), &widths[..shown], if row.own { "" } else { DIM }, text);
        }
        if table.rows.iter().any(|row| !row.own) {
            text.push_str(&format!("  {}\n", self.paint(DIM, "* not of the house")));
        }
        if shown < widths.len() {
            let left = table.headings[shown..].join(", ");
            text.push_str(&format!("  {}\n", self.paint(DIM, &format!("too narrow for: {left}"))));
        }
    }

    fn columns_that_fit(&self, widths: &[usize]) -> usize {
        let mut used = 0;
        let fits = |width: &&usize| {
            used += **width + 2;
            used <= self.width
        };
        widths.iter().take_while(fits).count().max(1)
    }

    fn line(&self, cells: &[Cell], widths: &[usize], style: &str, text: &mut String) {
        for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let (name, width) = (&cell.text, *width);
            let padded =
                if index < 2 { format!("{name:<width$}") } else { format!("{name:>width$}") };
            let style = if cell.best { GREEN } else { style };
            text.push_str("  ");
            text.push_str(&self.paint(style, &padded));
        }
        text.push('\n');
    }

    fn advice(&self, report: &Report, text: &mut String) {
        if report.advice.is_empty() {
            return;
        }
        text.push_str(&format!("\n{}\n", self.paint(BOLD, "Advice")));
        for advice in &report.advice {
            text.push_str(&format!(
                "  {}: {}\n",
                advice.purpose,
                self.paint(GREEN, &advice.choice)
            ));
            for line in advice_lines(advice) {
                for line in wrapped(&line, self.width.saturating_sub(6)) {
                    text.push_str(&format!("      {line}\n"));
                }
            }
        }
    }

    fn paint(&self, style: &str, text: &str) -> String {
        match self.color && !style.is_empty() {
            true => format!("{style}{text}{PLAIN}"),
            false => text.to_owned(),
        }
    }
}

/// A row with the mark of rivals behind the name.
fn marked(row: &Row) -> Vec<Cell> {
    let mut cells: Vec<Cell> = row.cells.clone();
    if let (false, Some(name)) = (row.own, cells.first_mut()) {
        name.text.push_str(" *");
    }
    cells
}

fn widths(table: &Table) -> Vec<usize> {
    let column = |index: usize| {
        let mark = if index == 0 { 2 } else { 0 };
        let cells = table.rows.iter().filter_map(|row| row.cells.get(index));
        let widest = cells.map(|cell| cell.text.len() + mark).max().unwrap_or(0);
        widest.max(table.headings[index].len())
    };
    (0..table.headings.len()).map(column).collect()
}

fn overview_row(question: &Question) -> Option<Row> {
    let own = fastest(question, |answer| answer.own);
    let (best, all) = (own.or_else(|| fastest(question, |_| true))?, fastest(question, |_| true)?);
    let to_default = match beside(question, best, baseline(question)?) {
        Verdict::Indistinguishable => "indistinguishable".to_owned(),
        Verdict::Times(times) => times_text(times),
    };
    let column = subject_of_verdicts(&question.conditions.kind);
    let rate = column.unit.show(column.band(best)?.median);
    let texts =
        [question.name.clone(), best.subject.clone(), rate, to_default, all.subject.clone()];
    Some(Row { cells: texts.into_iter().map(Cell::plain).collect(), own: true })
}

/// Breaks a text at blanks. A longer word has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(word.to_owned());
        } else {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::report::example;

    #[test]
    fn no_table_is_wider_than_the_terminal() {
        let report = example::report();
        for width in [48, 80, 100, 160] {
            let text = terminal(&report, false, width);
            let tables = text.lines().filter(|line| line.contains("parking_lot"));
            let too_wide: Vec<&str> = tables.filter(|line| line.len() > width).collect();
            assert!(too_wide.is_empty(), "at {width}: {too_wide:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let text = terminal(&example::report(), false, 60);
        assert!(text.contains("too narrow for:"), "{text}");
        assert!(!terminal(&example::report(), false, 400).contains("too narrow for:"));
    }

    #[test]
    fn colors_only_when_asked_for() {
        assert!(!terminal(&example::report(), false, 100).contains('\x1b'));
        assert!(terminal(&example::report(), true, 100).contains(GREEN));
    }

    #[test]
    fn many_questions_become_an_overview() {
        let mut report = example::report();
        let question = report.questions[0].clone();
        report.questions = vec![question; TABLES_MAX + 1];
        let text = terminal(&report, false, 120);
        assert!(text.contains("best of the house"), "{text}");
        let tables = text.split("Advice").next().unwrap();
        assert!(!tables.contains("p99"), "{text}");
    }

    #[test]
    fn text_is_broken_at_blanks() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable x", 4), ["unbreakable", "x"]);
    }
}
