//! Which module a file belongs to, and which modules it uses.

use super::rules::LAYERS;
use super::source::{Source, line_of};

/// The module at the top of `src/` that a file belongs to; none for `lib.rs` and `main.rs`.
pub(crate) fn module(path: &str) -> Option<&str> {
    let name = path.strip_prefix("src/")?.split('/').next()?.trim_end_matches(".rs");
    (!["lib", "main"].contains(&name)).then_some(name)
}

/// The number of a module's layer.
pub(crate) fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// The uses of modules that are not below the file's own.
pub(crate) fn violations(file: &Source) -> Vec<String> {
    let Some(own) = module(&file.path) else { return Vec::new() };
    let is_wrong = |used: &str| used != own && layer(used).is_some_and(|l| Some(l) >= layer(own));
    let wrong = uses(&file.path, &file.code).into_iter().filter(|(_, used)| is_wrong(used));
    wrong.map(|(line, used)| format!("{}:{line}: {own} uses {used}", file.path)).collect()
}

/// The modules that a file names through `crate::` or enough `super::`, with their lines.
fn uses(path: &str, code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        push_names(code, at + "crate::".len(), &mut found);
    }
    let to_root = "super::".repeat(depth(path));
    for (at, _) in code.match_indices(&to_root) {
        push_names(code, at + to_root.len(), &mut found);
    }
    found
}

/// How many `super` lead from a file to the root of the crate.
fn depth(path: &str) -> usize {
    let slashes = path.matches('/').count();
    if path.ends_with("/mod.rs") { slashes - 1 } else { slashes }
}

/// The first name of a path, or of each path of a group in braces.
fn push_names(code: &str, at: usize, found: &mut Vec<(usize, String)>) {
    let rest = &code[at..];
    let paths = match rest.strip_prefix('{') {
        Some(group) => members(group).into_iter().map(|(start, path)| (start + 1, path)).collect(),
        None => vec![(0, rest)],
    };
    for (offset, path) in paths {
        let blanks = path.len() - path.trim_start().len();
        let name: String = path[blanks..].chars().take_while(|c| is_name(*c)).collect();
        found.push((line_of(code, at + offset + blanks), name));
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Splits a group behind its opening brace at the commas of its own level.
fn members(group: &str) -> Vec<(usize, &str)> {
    let mut members = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (index, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                members.push((start, &group[start..index]));
                return members;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push((start, &group[start..index]));
                start = index + 1;
            }
            _ => {}
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, code: &str, expected: &[&str]) {
        let violations = violations(&Source::new(path, code));
        let used: Vec<&str> =
            violations.iter().map(|line| line.rsplit(' ').next().unwrap()).collect();
        assert_eq!(used, expected, "{code}");
    }

    #[test]
    fn finds_what_is_not_below() {
        check("src/timer/thread.rs", "use crate::sched::Worker;", &["sched"]);
        check("src/timer/thread.rs", "use crate::{sync, node::Node};", &["node"]);
        check("src/timer/mod.rs", "fn f() { crate::service::x() }", &["service"]);
        check("src/timer/thread.rs", "use super::super::lua::y;", &["lua"]);
        check("src/timer/mod.rs", "use super::cli;", &["cli"]);
        check("src/affinity.rs", "use crate::message;", &["message"]);
    }

    #[test]
    fn allows_what_is_below_or_own() {
        check("src/timer/thread.rs", "use crate::{sync::{self, Lock}, message};", &[]);
        check("src/timer/thread.rs", "use crate::timer::Clock; use super::wheel;", &[]);
        check("src/timer/thread.rs", "// crate::node\nlet x = \"crate::node\";", &[]);
        check("src/lib.rs", "pub use crate::cli;", &[]);
    }

    #[test]
    fn names_the_line() {
        let source = Source::new("src/timer/a.rs", "\nuse crate::{\n    sync,\n    cli,\n};");
        assert_eq!(violations(&source), ["src/timer/a.rs:4: timer uses cli"]);
    }
}
