//! The report as Markdown, for an issue or a pull request.

use super::table::{Cell, Row, Table};
use super::text::{advice_lines, conditions_of_run, noise};
use crate::lab::record::{Question, Report};

/// Writes the report as Markdown.
pub(super) fn markdown(report: &Report) -> String {
    let mut text = String::from("# Lock lab\n\n");
    text.push_str(&format!("```\n{}\n```\n", conditions_of_run(report).join("\n")));
    if !report.advice.is_empty() {
        text.push_str("\n## Advice\n");
    }
    for advice in &report.advice {
        text.push_str(&format!("\n**{}: {}**\n\n", advice.purpose, advice.choice));
        for line in advice_lines(advice) {
            text.push_str(&format!("- {}\n", escaped(&line)));
        }
    }
    for question in &report.questions {
        push_question(question, &mut text);
    }
    text.push_str(NOTES);
    text
}

const NOTES: &str = "
---

Figures are medians over the rounds; the best of each column is bold. *Indistinguishable*: the
difference is within the noise, or its interval over the rounds contains none. Rivals have a star.
";

fn push_question(question: &Question, text: &mut String) {
    text.push_str(&format!("\n## {}\n\n", question.title));
    text.push_str(&format!("`{}`, {}\n\n", question.name, noise(question)));
    let table = Table::of(question);
    text.push_str(&line(table.headings.iter().map(|heading| escaped(heading))));
    text.push_str(&line(
        table
            .headings
            .iter()
            .enumerate()
            .map(|(index, _)| if index < 2 { "---".to_owned() } else { "---:".to_owned() }),
    ));
    for row in &table.rows {
        text.push_str(&line(row.cells.iter().enumerate().map(|(index, c)| cell(row, index, c))));
    }
    for answer in &question.answers {
        if let Some(remark) = &answer.remark {
            text.push_str(&format!("\n{}: {}\n", answer.subject, escaped(remark)));
        }
    }
}

fn cell(row: &Row, index: usize, cell: &Cell) -> String {
    let text = escaped(&cell.text);
    match (index, row.own, cell.best) {
        (0, false, _) => format!("{text} \\*"),
        (_, _, true) => format!("**{text}**"),
        _ => text,
    }
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

/// Keeps a text from ending its cell or becoming markup.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::report::example;

    #[test]
    fn every_row_has_as_many_cells_as_the_heading() {
        let text = markdown(&example::report());
        let mut cells = 0;
        for line in text.lines().filter(|line| line.starts_with("| ")) {
            let count = line.replace("\\|", "").matches('|').count();
            cells = if line.starts_with("| subject") { count } else { cells };
            assert_eq!(count, cells, "{line}");
        }
        assert!(cells > 5, "{text}");
    }

    #[test]
    fn rivals_stay_in_the_table_with_a_star() {
        assert!(markdown(&example::report()).contains("| parking_lot 0.13 \\* |"));
    }

    #[test]
    fn foreign_text_is_no_markup() {
        assert_eq!(escaped("a|<b>"), "a\\|&lt;b>");
    }
}
