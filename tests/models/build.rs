//! Writes the root of the crate: the modules of `src/` by their paths, under the facade of a model
//! checker.
//!
//! The cfg that chooses the facade is set for this crate alone, so that a plain `cargo test` of
//! ironsky can use it beside the real thing.

use std::path::Path;
use std::{env, fs};

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
    let source = Path::new(&here).join("../../src");
    let source = source.canonicalize().expect("the tree has sources");
    let root: String = MODULES
        .iter()
        .map(|path| {
            let name = path.trim_end_matches(".rs").trim_end_matches("/mod");
            format!("#[path = {:?}]\npub mod {name};\n", source.join(path))
        })
        .collect();
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("modules.rs"), root).expect("the folder is ours");

    let checker = if env::var_os("CARGO_FEATURE_LOOM").is_some() { "loom" } else { "shuttle" };
    println!("cargo::rustc-cfg=ironsky_{checker}");
    println!("cargo::rerun-if-changed=build.rs");
}
