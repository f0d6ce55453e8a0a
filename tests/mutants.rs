//! The table of planted bugs still fits the sources: each text stands exactly once where it should,
//! so each bug can be planted. `tests/models` plants them and runs the engines on them.

#[path = "models/mutants/mod.rs"]
mod mutants;

use std::collections::HashSet;
use std::path::Path;

fn source(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_planted_bug_has_its_place() {
    let lost: Vec<String> = mutants::all()
        .map(|mutant| (mutant, source(mutant.file).matches(mutant.text).count()))
        .filter(|(_, places)| *places != 1)
        .map(|(mutant, places)| format!("{} in {}: {places} places", mutant.name, mutant.file))
        .collect();
    assert!(lost.is_empty(), "follow the sources in tests/models/mutants: {lost:#?}");
}

#[test]
fn every_planted_bug_changes_something_and_has_a_name_of_its_own() {
    let mut names = HashSet::new();
    for mutant in mutants::all() {
        assert!(names.insert(mutant.name), "{} is there twice", mutant.name);
        assert_ne!(mutant.text, mutant.replacement, "{}", mutant.name);
        assert!(!mutant.breaks.is_empty(), "{} breaks nothing", mutant.name);
    }
    assert!(names.len() >= 30, "only {} bugs", names.len());
}
