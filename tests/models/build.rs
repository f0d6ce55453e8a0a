//! Writes the root of the crate: the modules of `src/` by their paths, under the facade of a model
//! checker, or under the system's with the feature `native`.
//!
//! The cfg that chooses the facade is set for this crate alone, so that a plain `cargo test` of
//! ironsky can use it beside the real thing. With a name in `IRONSKY_MUTANT` the modules are copies
//! in which that one bug of the table is planted.

#[path = "mutants/mod.rs"]
mod mutants;

use std::path::{Path, PathBuf};
use std::{env, fs};

use mutants::Mutant;

const MODULES: [&str; 6] = [
    "sync/mod.rs",
    "affinity.rs",
    "message/mod.rs",
    "timer/mod.rs",
    "service/mod.rs",
    "sched/mod.rs",
];

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let source = Path::new(&here).join("../../src");
    let mut source = source.canonicalize().expect("the tree has sources");
    if let Some(name) = env::var("IRONSKY_MUTANT").ok().filter(|name| !name.is_empty()) {
        source = planted(&source, &out.join("mutant"), find(&name));
    }
    let root: String = MODULES
        .iter()
        .map(|path| {
            let name = path.trim_end_matches(".rs").trim_end_matches("/mod");
            format!("#[path = {:?}]\npub mod {name};\n", source.join(path))
        })
        .collect();
    fs::write(out.join("modules.rs"), root).expect("the folder is ours");

    let has = |feature: &str| env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    match (has("NATIVE"), has("LOOM")) {
        (true, true) => panic!("choose one of the features native and loom"),
        (true, false) => {}
        (false, true) => println!("cargo::rustc-cfg=ironsky_loom"),
        (false, false) => println!("cargo::rustc-cfg=ironsky_shuttle"),
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=mutants");
    println!("cargo::rerun-if-env-changed=IRONSKY_MUTANT");
}

fn find(name: &str) -> &'static Mutant {
    let known = mutants::all().find(|mutant| mutant.name == name);
    known.unwrap_or_else(|| panic!("IRONSKY_MUTANT: no mutant {name:?} in tests/models/mutants"))
}

/// Copies the modules to `to` with the bug in them, and returns where they are.
fn planted(source: &Path, to: &Path, mutant: &Mutant) -> PathBuf {
    for module in MODULES {
        let name = module.trim_end_matches("/mod.rs");
        copy(&source.join(name), &to.join(name));
        println!("cargo::rerun-if-changed={}", source.join(name).display());
    }
    let file = mutant.file.strip_prefix("src/").expect("mutants live in src/");
    let text = fs::read_to_string(to.join(file)).expect("the file was copied");
    assert_eq!(text.matches(mutant.text).count(), 1, "{}: not once in {file}", mutant.name);
    let text = text.replace(mutant.text, mutant.replacement);
    fs::write(to.join(file), text).expect("the folder is ours");
    to.to_owned()
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("the folder is ours");
        for entry in fs::read_dir(from).expect("the tree can be listed") {
            let name = entry.expect("and so can what is in it").file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::copy(from, to).expect("the folder is ours");
    }
}
