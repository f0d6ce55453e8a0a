//! The raw samples: one row a sample, one column a figure.

use super::columns::COLUMNS;
use crate::lab::record::{Answer, Question, Report, Sample};

/// What identifies a sample and what the figures are computed from.
const HEAD: &str = "question,kind,threads,section_ns,outside_ns,reads_permille,blocking,pinned,\
                    noise,subject,own,round,wall_s,operations,cpu_s";

/// Writes all samples, with the figures unrounded; an unknown figure is empty.
pub(super) fn csv(report: &Report) -> String {
    let mut text = HEAD.to_owned();
    for column in COLUMNS {
        text.push_str(&format!(",{}", column.key));
    }
    text.push('\n');
    for question in &report.questions {
        for answer in &question.answers {
            answer.samples.iter().for_each(|sample| push(question, answer, sample, &mut text));
        }
    }
    text
}

fn push(question: &Question, answer: &Answer, sample: &Sample, text: &mut String) {
    let c = &question.conditions;
    let reads = c.reads_permille.map_or_else(String::new, |reads| reads.to_string());
    let names = [&question.name, &c.kind].map(|name| quoted(name)).join(",");
    text.push_str(&format!("{names},{},{},{},{reads},", c.threads, c.section_ns, c.outside_ns));
    text.push_str(&format!("{},{},{},", c.blocking, c.pinned, question.noise));
    text.push_str(&format!("{},{},{},", quoted(&answer.subject), answer.own, sample.round));
    text.push_str(&format!("{},{},{}", sample.wall_s, sample.operations, sample.cpu_s));
    for column in COLUMNS {
        let value = (column.value)(sample).map_or_else(String::new, |value| value.to_string());
        text.push_str(&format!(",{value}"));
    }
    text.push('\n');
}

/// Quotes a text that would end its field (RFC 4180).
fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::report::example;

    #[test]
    fn each_sample_is_a_row_of_as_many_fields() {
        let report = example::report();
        let text = csv(&report);
        let answers = report.questions.iter().flat_map(|question| &question.answers);
        let samples: usize = answers.map(|answer| answer.samples.len()).sum();
        assert_eq!(text.lines().count(), samples + 1);
        let fields = text.lines().next().map(|head| head.split(',').count());
        assert!(text.lines().all(|line| Some(line.split(',').count()) == fields));
    }

    #[test]
    fn a_field_with_a_comma_is_quoted() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("a b"), "a b");
    }
}
