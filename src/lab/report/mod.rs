//! The outputs of a run: tables for people, raw samples for programs, one page for the browser.
//!
//! Called by the command line with the finished document. Nothing here measures, and nothing here
//! decides more than `stats`: whether two subjects differ at all.

pub(crate) mod columns;
mod csv;
#[cfg(test)]
pub(crate) mod example;
mod html;
mod markdown;
pub(crate) mod stats;
pub(crate) mod table;
mod terminal;
mod text;

pub use terminal::terminal;

use super::record::Report;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Writes every form of the report into a folder, which is made if it does not exist, and returns
/// the files.
///
/// # Errors
/// When the folder or a file cannot be written.
pub fn write_all(report: &Report, dir: &Path) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(dir)?;
    let json = serde_json::to_string(report)?;
    let files = [
        ("report.html", html::page(report)?),
        ("report.md", markdown::markdown(report)),
        ("samples.csv", csv::csv(report)),
        ("report.json", json),
    ];
    files.into_iter().map(|(name, text)| write(&dir.join(name), &text)).collect()
}

fn write(path: &Path, text: &str) -> io::Result<PathBuf> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    fs::write(path, text).map_err(named)?;
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_written_and_the_json_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let report = example::report();
        let files = write_all(&report, &dir.path().join("a/b")).unwrap();
        assert_eq!(files.len(), 4);
        let json = fs::read_to_string(dir.path().join("a/b/report.json")).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(write_all(&Report::default(), file.path()).is_err());
    }

    #[test]
    fn an_empty_report_is_no_reason_to_panic() {
        let dir = tempfile::tempdir().unwrap();
        write_all(&Report::default(), dir.path()).unwrap();
        assert!(!terminal(&Report::default(), true, 10).is_empty());
    }
}
