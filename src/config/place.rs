//! Where things stand in the files of a configuration, so that an error can point there.

use std::fmt;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named in the command line or in `include`.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.file, self.line)
    }
}

/// The texts of all files read so far, in the order of reading.
#[derive(Debug, Default)]
pub(super) struct Sources {
    files: Vec<(String, Vec<u8>)>,
}

impl Sources {
    pub(super) fn add(&mut self, file: &str, text: &[u8]) {
        self.files.push((file.to_owned(), text.to_vec()));
    }

    /// Finds the line that gives `key` its value: the last one that looks like an assignment.
    ///
    /// The text is searched, not parsed, so this may miss one (`_ENV["key"] = 1`); it is only
    /// used to tell a person where to look.
    pub(super) fn assignment(&self, key: &[u8]) -> Option<Place> {
        self.files.iter().rev().find_map(|(file, text)| {
            let lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
            let index = lines.iter().rposition(|line| assigns(line, key))?;
            Some(Place { file: file.clone(), line: index + 1 })
        })
    }
}

/// Says whether a line has `key =` outside of a comment.
fn assigns(line: &[u8], key: &[u8]) -> bool {
    let code = line.windows(2).position(|pair| pair == b"--").unwrap_or(line.len());
    let code = &line[..code];
    (0..code.len()).any(|start| {
        let is_word_start = start == 0 || !is_word(code[start - 1]);
        is_word_start && code[start..].strip_prefix(key).is_some_and(is_equals_sign)
    })
}

fn is_equals_sign(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    rest.starts_with(b"=") && !rest.starts_with(b"==")
}

/// Says whether a byte can be part of a name.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(text: &str, key: &str) -> Option<usize> {
        let mut sources = Sources::default();
        sources.add("config", text.as_bytes());
        sources.assignment(key.as_bytes()).map(|place| place.line)
    }

    #[test]
    fn finds_the_last_assignment() {
        assert_eq!(line_of("thread = 1\nx = 2\nthread=3 y = 1\n", "thread"), Some(3));
        assert_eq!(line_of("a = 1; thread =\n8", "thread"), Some(1));
    }

    #[test]
    fn is_not_misled_by_look_alikes() {
        for text in ["-- thread = 1", "my_thread = 1", "threads = 1", "x = thread == 1", "thread"] {
            assert_eq!(line_of(text, "thread"), None, "{text:?}");
        }
    }

    #[test]
    fn the_file_read_last_wins() {
        let mut sources = Sources::default();
        sources.add("outer", b"x = 1");
        sources.add("inner", b"\nx = 2");
        assert_eq!(sources.assignment(b"x").unwrap().to_string(), "inner:2");
    }
}
