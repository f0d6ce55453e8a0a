//! A file, and the little that the rules need to know of Rust: what is code, and what is a comment
//! or a string; where words stand; where functions begin and end.

/// A file of the tree.
pub(crate) struct Source {
    /// From the top of the tree, with `/`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
    /// The same with comments and strings blanked out, for Rust.
    pub(crate) code: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = if path.ends_with(".rs") { blank(text) } else { String::new() };
        Self { path: path.to_owned(), text: text.to_owned(), code }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub(crate) fn is_lua(&self) -> bool {
        self.path.ends_with(".lua")
    }

    /// The name by which other files know a Lua file: that of its folder for `init.lua`.
    pub(crate) fn lua_name(&self) -> &str {
        let path = self.path.trim_end_matches(".lua").trim_end_matches("/init");
        path.rsplit('/').next().unwrap_or(path)
    }

    /// The lines that name something of a crate.
    pub(crate) fn crate_uses(&self, name: &str) -> Vec<usize> {
        let pattern = format!("{name}::");
        let is_start = |at: &usize| !ends_in_path(&self.code[..*at]);
        let starts = self.code.match_indices(&pattern).map(|(at, _)| at).filter(is_start);
        starts.map(|at| line_of(&self.code, at)).collect()
    }

    /// The functions with a body: name, line, number of lines.
    pub(crate) fn functions(&self) -> Vec<(String, usize, usize)> {
        let starts = self.code.match_indices("fn ").map(|(at, _)| at);
        let starts = starts.filter(|&at| !self.code[..at].ends_with(is_word));
        starts.filter_map(|at| function(&self.code, at)).collect()
    }
}

fn function(code: &str, at: usize) -> Option<(String, usize, usize)> {
    let rest = &code[at + "fn ".len()..];
    let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
    let body = rest.find(['{', ';']).filter(|&body| rest[body..].starts_with('{'))?;
    let mut depth = 0;
    for (index, c) in rest[body..].char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth == 0 {
            let lines = 1 + rest[..body + index].matches('\n').count();
            return (!name.is_empty()).then(|| (name, line_of(code, at), lines));
        }
    }
    None
}

/// The line of a place in a text, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

/// The lines where a word stands by itself.
pub(crate) fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let stands_alone = move |at: &usize| {
        !text[..*at].ends_with(is_word_or_dash)
            && !text[at + word.len()..].starts_with(is_word_or_dash)
    };
    let places = text.match_indices(word).map(|(at, _)| at).filter(stands_alone);
    places.map(move |at| line_of(text, at))
}

pub(crate) fn has_word(text: &str, word: &str) -> bool {
    words(text, word).next().is_some()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_word_or_dash(c: char) -> bool {
    is_word(c) || c == '-'
}

fn ends_in_path(before: &str) -> bool {
    before.ends_with(|c| is_word(c) || c == ':' || c == '.')
}

/// Replaces comments and the contents of strings by blanks; lines stay where they are.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hidden = hidden_length(rest, code.ends_with(is_word));
        let shown = if hidden == 0 { first.len_utf8() } else { 0 };
        code.push_str(&rest[..shown]);
        code.extend(rest[shown..shown + hidden].chars().map(|c| if c == '\n' { c } else { ' ' }));
        rest = &rest[shown + hidden..];
    }
    code
}

/// The length of the comment, string or character that begins here; 0 if none does.
fn hidden_length(rest: &str, is_inside_word: bool) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_length(rest);
    }
    if rest.starts_with('"') {
        return string_length(rest);
    }
    if rest.starts_with('\'') {
        return character_length(rest);
    }
    if is_inside_word { 0 } else { prefixed_string_length(rest) }
}

fn block_comment_length(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let step = &rest.as_bytes()[at..];
        depth += i32::from(step.starts_with(b"/*")) - i32::from(step.starts_with(b"*/"));
        at += if step.starts_with(b"/*") || step.starts_with(b"*/") { 2 } else { 1 };
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn string_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// A character, or 0 for the quote of a lifetime.
fn character_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => rest[2..].find('\'').map_or(0, |end| {
            // The escaped quote itself does not end it.
            if end == 0 { rest[3..].find('\'').map_or(0, |end| end + 4) } else { end + 3 }
        }),
        Some((_, _)) => chars.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

/// A raw, byte or C string with its prefix.
fn prefixed_string_length(rest: &str) -> usize {
    let prefix = rest.len() - rest.trim_start_matches(['b', 'c', 'r']).len();
    if prefix == 0 || prefix > 2 {
        return 0;
    }
    let behind = &rest[prefix..];
    if !rest[..prefix].contains('r') {
        return if behind.starts_with('"') { prefix + string_length(behind) } else { 0 };
    }
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    if !behind[hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let start = prefix + hashes + 1;
    rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_blank(text: &str, expected: &str) {
        assert_eq!(blank(text), expected, "{text}");
    }

    #[test]
    fn comments_and_strings_are_blanked() {
        check_blank("a // b\nc", "a     \nc");
        check_blank("/* /* b */ */c", "             c");
        check_blank(r#"f("a\"b", c)"#, "f(      , c)");
        check_blank("r#\"a\"b\"# c", "         c");
        check_blank("b\"x\" c\"y\" br\"z\" d", "                d");
        check_blank("bar(\"x\")", "bar(   )");
    }

    #[test]
    fn characters_are_not_lifetimes() {
        check_blank("'\"' a", "    a");
        check_blank("'\\'' a '\\\\' b", "     a      b");
        check_blank("&'a str, 'b'", "&'a str,    ");
    }

    #[test]
    fn functions_have_names_and_lengths() {
        let text =
            "fn a() {\n  if x { y }\n}\ntrait T { fn b(); }\nfn c<T>(f: fn (u8)) -> u8 { 1 }";
        let found = Source::new("x.rs", text).functions();
        assert_eq!(found, [("a".to_owned(), 1, 3), ("c".to_owned(), 5, 1)]);
    }

    #[test]
    fn words_stand_alone() {
        let lines = |word| words("lock lock-spin\nlock_api unlock", word).collect::<Vec<_>>();
        assert_eq!(lines("lock"), [1]);
        assert_eq!(lines("lock-spin"), [1]);
        assert_eq!(lines("lock_api"), [2]);
    }

    #[test]
    fn a_crate_is_known_by_its_path() {
        let text = "use spin::Mutex;\nuse lock::spin::X;\nlet a = spin::b;";
        assert_eq!(Source::new("x.rs", text).crate_uses("spin"), [1, 3]);
    }
}
