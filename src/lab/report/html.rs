//! The report as one page: markup, style, script and data in one file that needs nothing else.
//!
//! The page is `page.html` with the other files put in. The data is JSON inside a script element
//! that no browser runs; `<` is written as an escape there, so that no text of a report can end
//! the element or open a comment.

use super::stats::Verdict;
use super::table::{Table, beside, compared, fastest};
use crate::lab::record::{Answer, Question, Report};
use serde::Serialize;
use std::collections::HashMap;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const CHARTS: &str = include_str!("charts.js");

/// What the script does not compute: each verdict is made in one place, `stats`.
#[derive(Serialize)]
struct View<'a> {
    table: Table,
    /// The fastest of the house.
    best: Option<&'a str>,
    /// Those of the house that are indistinguishable from it.
    alike: Vec<&'a str>,
    /// Each subject's throughput beside the baseline's, in words.
    compared: HashMap<&'a str, String>,
}

impl<'a> View<'a> {
    fn of(question: &'a Question) -> Self {
        let best = fastest(question, |answer| answer.own);
        let is_alike = |answer: &&Answer| {
            best.is_some_and(|best| {
                answer.own
                    && answer.subject != best.subject
                    && beside(question, answer, best) == Verdict::Indistinguishable
            })
        };
        let alike = question.answers.iter().filter(is_alike);
        let words = |answer: &'a Answer| (&*answer.subject, compared(question, answer));
        Self {
            table: Table::of(question),
            best: best.map(|answer| &*answer.subject),
            alike: alike.map(|answer| &*answer.subject).collect(),
            compared: question.answers.iter().map(words).collect(),
        }
    }
}

/// So many stretches fill a line of owners; the JSON file has the others.
const OWNERS_MAX: usize = 400;

/// Writes the page.
pub(super) fn page(report: &Report) -> serde_json::Result<String> {
    let mut report = report.clone();
    for answer in report.questions.iter_mut().flat_map(|question| &mut question.answers) {
        answer.owners.truncate(OWNERS_MAX);
    }
    let views: Vec<View<'_>> = report.questions.iter().map(View::of).collect();
    let (report, views) = (data(&report)?, data(&views)?);
    let parts = [
        ("{{style}}", STYLE),
        ("{{charts}}", CHARTS),
        ("{{script}}", SCRIPT),
        ("{{report}}", &report),
        ("{{views}}", &views),
    ];
    Ok(filled(PAGE, &parts))
}

/// JSON that no text in it can lead out of its element.
fn data(value: &impl Serialize) -> serde_json::Result<String> {
    Ok(serde_json::to_string(value)?.replace('<', "\\u003c"))
}

/// Puts each part in at its mark. What is put in is not searched for further marks.
fn filled(page: &str, parts: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = page;
    for (mark, part) in parts_in_order(page, parts) {
        let (before, after) = rest.split_once(mark).unwrap_or((rest, ""));
        text.push_str(before);
        text.push_str(part);
        rest = after;
    }
    text + rest
}

fn parts_in_order<'a>(page: &str, parts: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut parts = parts.to_vec();
    parts.sort_by_key(|(mark, _)| page.find(mark));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::report::example;

    fn data_in(page: &str) -> &str {
        let from = page.find("type=\"application/json\">").unwrap() + 24;
        &page[from..from + page[from..].find("</script>").unwrap()]
    }

    #[test]
    fn the_data_reads_back_from_the_page() {
        let report = example::report();
        let page = page(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(data_in(&page)).unwrap(), report);
        assert!(!page.contains("{{"), "every mark is replaced");
        assert!(page.contains("function drawHeat") && page.contains("--page:"));
        assert!(page.trim_end().ends_with("</html>"));
    }

    #[test]
    fn no_text_of_a_report_leaves_its_element() {
        let command = "</script><script>alert(1)</script><!-- {{style}}".to_owned();
        let report = Report { command, ..Report::default() };
        let page = page(&report).unwrap();
        assert!(!page.contains("alert(1)</script>"));
        assert_eq!(serde_json::from_str::<Report>(data_in(&page)).unwrap(), report);
    }

    #[test]
    fn the_page_loads_nothing() {
        let page = page(&example::report()).unwrap();
        let page = page.replace("url(#", "");
        for sign in [" src=", "href=\"", "@import", "url(", "fetch(", "XMLHttpRequest"] {
            assert!(!page.contains(sign), "{sign}");
        }
    }
}
