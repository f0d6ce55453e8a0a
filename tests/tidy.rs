//! The tree itself: layers, crates, sizes, words, and files that nobody uses.
//!
//! The rules stand as data in `tidy/rules.rs`, with their reasons. A test collects everything that
//! breaks its rule and says for each how to mend it; where a rule makes a piece of code worse, the
//! tables have room for an exception with a reason.

#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/tree.rs"]
mod tree;

use rules::*;
use source::{Source, has_word, words};
use std::collections::BTreeSet;
use tree::{Tree, sections};

/// Fails with everything that was found, a line each.
#[track_caller]
fn expect_none(found: Vec<String>, how_to_mend: &str) {
    let count = found.len();
    let list = found.join("\n  ");
    assert!(found.is_empty(), "{count} in the way:\n  {list}\n{how_to_mend}\n");
}

/// The reason why a file is excepted from a rule, if it is.
fn exception<T: Copy>(table: &[(&str, T, &str)], key: &str) -> Option<T> {
    table.iter().find(|(name, _, _)| *name == key).map(|&(_, limit, _)| limit)
}

fn is_under(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path.starts_with(place))
}

/// A row of a table in a comment cannot be broken.
fn is_table_row(line: &str) -> bool {
    ["//! |", "/// |", "// |"].iter().any(|start| line.trim_start().starts_with(start))
}

#[test]
fn a_module_uses_its_own_folder_and_lower_layers_only() {
    let tree = Tree::read();
    let sources = tree.rust().filter(|file| file.path.starts_with("src/"));
    let found = sources.flat_map(layers::violations).collect();
    expect_none(
        found,
        "Move the shared part to a lower layer, or define a small trait low and implement it high \
         (see LAYERS in tests/tidy/rules.rs).",
    );
}

#[test]
fn every_folder_of_src_has_a_layer() {
    let tree = Tree::read();
    let modules: BTreeSet<&str> =
        tree.rust().filter_map(|file| layers::module(&file.path)).collect();
    let unknown = modules.into_iter().filter(|module| layers::layer(module).is_none());
    expect_none(unknown.map(str::to_owned).collect(), "Give the module a place in LAYERS.");
}

#[test]
fn a_crate_is_named_only_where_it_belongs() {
    let tree = Tree::read();
    let mut found = Vec::new();
    for file in tree.rust().filter(|file| file.path.starts_with("src/")) {
        for (name, places) in CRATES.iter().filter(|(_, places)| !is_under(&file.path, places)) {
            for line in file.crate_uses(name) {
                found.push(format!("{}:{line}: {name} (only in {})", file.path, places.join(", ")));
            }
        }
    }
    expect_none(
        found,
        "Go through the module that wraps this crate, or change CRATES with a reason.",
    );
}

#[test]
fn every_dependency_has_its_place() {
    let manifest = Tree::read().text("Cargo.toml");
    let is_known = |name: &String| CRATES.iter().any(|(known, _)| known == name);
    let dependencies = sections(&manifest).filter(|(section, _)| {
        *section == "dependencies"
            || section.starts_with("target.") && section.ends_with("dependencies")
    });
    let names = dependencies.flat_map(|(_, keys)| keys).map(|key| key.replace('-', "_"));
    let unknown = names.filter(|name| !is_known(name)).collect();
    expect_none(unknown, "Say in CRATES where this crate may be named.");
}

#[test]
fn unsafe_stands_only_where_it_is_argued() {
    let tree = Tree::read();
    let mut found = Vec::new();
    for file in tree.rust().filter(|file| !is_under(&file.path, UNSAFE)) {
        found.extend(words(&file.code, "unsafe").map(|line| format!("{}:{line}", file.path)));
    }
    expect_none(found, "Use a safe wrapper, or add the file to UNSAFE if it must be there.");
}

#[test]
fn files_are_short() {
    let mut found = Vec::new();
    for file in Tree::read().rust() {
        let limit = exception(LONG_FILES, &file.path).unwrap_or(FILE_LINES_MAX);
        let lines = file.text.lines().count();
        if lines > limit {
            found.push(format!("{}: {lines} lines, {limit} allowed", file.path));
        }
    }
    expect_none(found, "Split the file by ideas, or add it to LONG_FILES with a reason.");
}

#[test]
fn functions_are_short() {
    let mut found = Vec::new();
    for file in Tree::read().rust() {
        for (name, line, length) in file.functions() {
            let key = format!("{} {name}", file.path);
            let limit = exception(LONG_FUNCTIONS, &key).unwrap_or(FUNCTION_LINES_MAX);
            if length > limit {
                let place = format!("{}:{line}", file.path);
                found.push(format!("{place}: {name} has {length} lines, {limit} allowed"));
            }
        }
    }
    expect_none(found, "Split the function, or add it to LONG_FUNCTIONS with a reason.");
}

#[test]
fn lines_are_short_and_ascii() {
    let tree = Tree::read();
    let mut found = Vec::new();
    for file in tree.files() {
        for (index, line) in file.text.lines().enumerate() {
            let place = format!("{}:{}", file.path, index + 1);
            let columns = line.chars().count();
            if file.is_rust() && columns > LINE_COLUMNS_MAX && !is_table_row(line) {
                found.push(format!("{place}: {columns} columns"));
            }
            if !line.is_ascii() && !is_under(&file.path, NOT_ASCII) {
                found.push(format!("{place}: not ASCII: {line}"));
            }
        }
    }
    expect_none(found, "Keep to 100 columns and to ASCII; write other characters as escapes.");
}

#[test]
fn every_file_says_what_it_is_for() {
    let tree = Tree::read();
    let silent = tree.rust().filter(|file| !file.text.starts_with("//! "));
    let found = silent.map(|file| file.path.clone()).collect();
    expect_none(
        found,
        "Start the file with `//!`: what it is for, who calls it, what it keeps true.",
    );
}

#[test]
fn nothing_is_left_for_later() {
    let tree = Tree::read();
    let mut found = Vec::new();
    for file in tree.files() {
        for word in LATER {
            found.extend(
                words(&file.text, word).map(|line| format!("{}:{line}: {word}", file.path)),
            );
        }
    }
    expect_none(found, "Do it now, or leave it out.");
}

#[test]
fn the_library_does_not_print() {
    let tree = Tree::read();
    let mut found = Vec::new();
    for file in tree.rust().filter(|file| !is_under(&file.path, MAY_PRINT)) {
        for name in PRINTING {
            let uses = words(&file.code, name).map(|line| format!("{}:{line}: {name}!", file.path));
            found.extend(uses);
        }
    }
    expect_none(found, "Return a value, log through the log service, or use `tracing`.");
}

#[test]
fn a_feature_is_named_in_few_places() {
    let tree = Tree::read();
    let mut found = Vec::new();
    for feature in tree.features() {
        let places = FEATURES.iter().filter(|(prefix, _)| feature.starts_with(prefix));
        let places: Vec<&str> = places.flat_map(|(_, places)| places.iter().copied()).collect();
        let places = [&places[..], &["tests/tidy"]].concat();
        for file in tree.rust().filter(|file| !is_under(&file.path, &places)) {
            let question = format!("feature = \"{feature}\"");
            let lines = file.text.lines().enumerate().filter(|(_, text)| text.contains(&question));
            found.extend(lines.map(|(index, _)| format!("{}:{}: {feature}", file.path, index + 1)));
        }
    }
    expect_none(found, "A feature only moves a default, in the selecting file (see FEATURES).");
}

#[test]
fn every_feature_is_documented() {
    let tree = Tree::read();
    let Some(page) = tree.files().find(|file| file.path == FEATURES_PAGE) else { return };
    let features = tree.features();
    let missing = features.into_iter().filter(|feature| !has_word(&page.text, feature)).collect();
    expect_none(missing, "Describe the feature in docs/src/reference/features.md.");
}

#[test]
fn every_bench_is_one_of_ours_and_has_no_harness() {
    let tree = Tree::read();
    let manifest = tree.text("Cargo.toml");
    let benches = tree.rust().filter_map(|file| {
        file.path.strip_prefix("benches/")?.strip_suffix(".rs").filter(|name| !name.contains('/'))
    });
    let entry = |name: &str| format!("[[bench]]\nname = \"{name}\"\nharness = false");
    let missing = benches.map(entry).filter(|entry| !manifest.contains(entry)).collect();
    expect_none(missing, "Add the entry to Cargo.toml, or the bench runs nothing.");
}

#[test]
fn every_lua_file_is_used() {
    let tree = Tree::read();
    let files = tree.files().filter(|file| file.is_lua() && is_under(&file.path, LUA_USED));
    let is_used = |file: &&Source| {
        let name = file.lua_name();
        tree.files().any(|other| other.path != file.path && has_word(&other.text, name))
    };
    let dead = files.filter(|file| !is_used(file)).map(|file| file.path.clone()).collect();
    expect_none(dead, "Nobody names this file: require it, start it, document it, or delete it.");
}

#[test]
fn every_lua_folder_is_embedded() {
    let tree = Tree::read();
    let has_lua = |folder: &&&str| tree.files().any(|file| file.path.starts_with(**folder));
    let is_embedded = |folder: &str| {
        let folder = folder.trim_end_matches('/');
        let wanted = format!("include_dir!(\"$CARGO_MANIFEST_DIR/{folder}\")");
        tree.rust().any(|file| file.path.starts_with("src/") && file.text.contains(&wanted))
    };
    let missing = LUA_EMBEDDED.iter().filter(has_lua).filter(|folder| !is_embedded(folder));
    let missing = missing.map(|folder| (*folder).to_owned()).collect();
    expect_none(missing, "An installed binary has no source tree: embed the folder.");
}

#[test]
fn every_page_of_the_docs_is_in_the_summary() {
    let tree = Tree::read();
    let Some(summary) = tree.files().find(|file| file.path == SUMMARY) else { return };
    let pages = tree.files().filter_map(|file| file.path.strip_prefix("docs/src/"));
    let pages = pages.filter(|page| page.ends_with(".md") && *page != "SUMMARY.md");
    let lost = pages.filter(|page| !summary.text.contains(&format!("({page})")));
    expect_none(lost.map(str::to_owned).collect(), "Link the page in docs/src/SUMMARY.md.");
}

/// A link of the property sheet is `file#module::test`, from the page's own folder.
#[test]
fn every_proof_of_the_property_sheet_exists() {
    let tree = Tree::read();
    let Some(page) = tree.files().find(|file| file.path == PROPERTY_SHEET) else { return };
    let definitions = page.text.lines().filter_map(|line| line.split_once("]: ../../../"));
    let links: BTreeSet<&str> = definitions.map(|(_, link)| link).collect();
    let exists = |link: &&str| {
        let Some((path, name)) = link.split_once('#') else { return false };
        let (modules, test) = name.rsplit_once("::").unwrap_or(("", name));
        let is_there = |file: &Source| {
            let mut modules = modules.split("::").filter(|module| !module.is_empty());
            // Written out, or the first argument of a macro that writes it.
            let has_test = has_word(&file.text, &format!("fn {test}"))
                || file.text.contains(&format!("!({test},"));
            has_test && modules.all(|module| has_word(&file.text, module))
        };
        tree.rust().any(|file| file.path == path && is_there(file))
    };
    assert!(links.len() > 40, "the sheet has lost its links: {links:?}");
    let missing = links.iter().filter(|link| !exists(link)).map(|&link| link.to_owned()).collect();
    expect_none(missing, "Link the test that shows the property, or write it.");
}

#[test]
fn every_exception_is_needed() {
    let tree = Tree::read();
    let mut idle = Vec::new();
    for (path, _, _) in LONG_FILES {
        let file = tree.files().find(|file| file.path == *path);
        if file.is_none_or(|file| file.text.lines().count() <= FILE_LINES_MAX) {
            idle.push((*path).to_owned());
        }
    }
    for (key, _, _) in LONG_FUNCTIONS {
        let is_long = |file: &Source| {
            let is_it = |name: &str| format!("{} {name}", file.path) == *key;
            file.functions().iter().any(|(name, _, len)| is_it(name) && *len > FUNCTION_LINES_MAX)
        };
        if !tree.rust().any(is_long) {
            idle.push((*key).to_owned());
        }
    }
    expect_none(idle, "Remove the exception from tests/tidy/rules.rs.");
}
