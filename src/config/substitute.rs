//! Replaces `$NAME` in the text of a config file by the value of that environment variable.
//!
//! The replacement is textual and happens before the text is parsed, so it works in comments and
//! inside string literals. `evaluate` calls it for every file.

use super::place::is_word;

/// Where variables come from: `std::env` in a node, a fixed table in tests.
pub(super) type Lookup = fn(&str) -> Option<Vec<u8>>;

/// A variable that is not set, and the line (from 1) that names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unset {
    pub(super) name: String,
    pub(super) line: usize,
}

/// Replaces every `$` that is followed by letters, digits or underscores; others stay.
pub(super) fn substitute(text: &[u8], variable: Lookup) -> Result<Vec<u8>, Unset> {
    let mut pieces = text.split(|&byte| byte == b'$');
    let mut result = pieces.next().unwrap_or_default().to_vec();
    let mut line = 1 + newlines(&result);
    for piece in pieces {
        let name = word_at_start(piece);
        if name.is_empty() {
            result.push(b'$');
        } else {
            let unset = || Unset { name: name.to_owned(), line };
            result.extend(variable(name).ok_or_else(unset)?);
        }
        result.extend_from_slice(&piece[name.len()..]);
        line += newlines(piece);
    }
    Ok(result)
}

fn word_at_start(piece: &[u8]) -> &str {
    let end = piece.iter().position(|&byte| !is_word(byte)).unwrap_or(piece.len());
    std::str::from_utf8(&piece[..end]).expect("the bytes of a word are ASCII")
}

fn newlines(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Option<Vec<u8>> {
        match name {
            "ROOT" => Some(b"/srv".to_vec()),
            "N_1" => Some(b"12".to_vec()),
            "EMPTY" => Some(Vec::new()),
            _ => None,
        }
    }

    fn check(text: &str, expected: &str) {
        let result = substitute(text.as_bytes(), table).unwrap();
        assert_eq!(String::from_utf8(result).unwrap(), expected);
    }

    #[test]
    fn replaces_in_code_strings_and_comments() {
        check("x = $N_1", "x = 12");
        check("x = \"$ROOT/?.lua\" -- $ROOT", "x = \"/srv/?.lua\" -- /srv");
        check("$ROOT$N_1$EMPTY.", "/srv12.");
    }

    #[test]
    fn leaves_a_lone_dollar() {
        check("a $ b $", "a $ b $");
        check("$$ROOT $-", "$/srv $-");
    }

    #[test]
    fn names_the_unset_variable_and_its_line() {
        let unset = substitute(b"a = 1\n-- $ROOT\n\n-- $NOPE", table).unwrap_err();
        assert_eq!(unset, Unset { name: "NOPE".to_owned(), line: 4 });
    }
}
