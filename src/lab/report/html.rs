//! The report as one page: markup, style, script and data in one file that needs nothing else.
//!
//! The page is `page.html` with the other files put in. The data is JSON inside a script element
//! that no browser runs; `<` is written as an escape there, so that no text of a report can end
//! the element or open a comment.

use crate::lab::record::Report;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const CHARTS: &str = include_str!("charts.js");

/// Writes the page.
pub(super) fn page(report: &Report) -> serde_json::Result<String> {
    let data = serde_json::to_string(report)?.replace('<', "\\u003c");
    let parts = [("{{style}}", STYLE), ("{{charts}}", CHARTS), ("{{script}}", SCRIPT)];
    let page = parts.iter().fold(PAGE.to_owned(), |page, (mark, text)| page.replace(mark, text));
    // Last, so that nothing in the data is taken for a mark.
    Ok(page.replacen("{{report}}", &data, 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::report::example;

    fn data(page: &str) -> &str {
        let from = page.find("type=\"application/json\">").unwrap() + 24;
        &page[from..from + page[from..].find("</script>").unwrap()]
    }

    #[test]
    fn the_data_reads_back_from_the_page() {
        let report = example::report();
        let page = page(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(data(&page)).unwrap(), report);
        assert!(!page.contains("{{"), "every mark is replaced");
    }

    #[test]
    fn no_text_of_a_report_leaves_its_element() {
        let command = "</script><script>alert(1)</script><!-- {{style}}".to_owned();
        let report = Report { command, ..Report::default() };
        let page = page(&report).unwrap();
        assert!(!page.contains("alert(1)</script>"));
        assert_eq!(serde_json::from_str::<Report>(data(&page)).unwrap(), report);
    }

    #[test]
    fn the_page_loads_nothing() {
        let page = page(&example::report()).unwrap();
        for sign in [" src=", "href=\"http", "@import", "url(", "fetch(", "XMLHttpRequest"] {
            assert!(!page.contains(sign), "{sign}");
        }
    }
}
