//! Reads the files of the tree that are text of ours.

use super::source::Source;
use std::fs;
use std::path::Path;

/// Folders and files at the top that are read.
const TOP: &[&str] = &[
    "src",
    "tests",
    "benches",
    "examples",
    "fuzz",
    "lualib",
    "service",
    "docs",
    ".ci",
    ".github",
    "README.md",
    "CHANGELOG.md",
    "Cargo.toml",
    "build.rs",
    "clippy.toml",
    "rustfmt.toml",
];
/// Folders in them that are not text of ours.
const SKIPPED: &[&str] = &["target", "corpus", "artifacts", "vectors", "book"];
/// How the names of files that are read end.
const KINDS: &[&str] = &["rs", "lua", "md", "toml", "yml", "run"];

/// All files, in the order of their paths.
pub(crate) struct Tree {
    files: Vec<Source>,
}

impl Tree {
    /// Reads the tree that this test was built from.
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        for top in TOP {
            collect(root, top, &mut files);
        }
        assert!(files.len() > 20, "the tree of ironsky should be at {}", root.display());
        Self { files }
    }

    /// All files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Source> {
        self.files.iter()
    }

    /// The Rust files.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|file| file.is_rust())
    }

    /// The text of a file that must exist.
    pub(crate) fn text(&self, path: &str) -> String {
        let file = self.files.iter().find(|file| file.path == path);
        file.unwrap_or_else(|| panic!("{path} is part of the tree")).text.clone()
    }

    /// The features of the package, apart from the list of default ones.
    pub(crate) fn features(&self) -> Vec<String> {
        let manifest = self.text("Cargo.toml");
        let keys = sections(&manifest).filter(|(name, _)| *name == "features");
        keys.flat_map(|(_, keys)| keys).filter(|key| key != "default").collect()
    }
}

fn collect(root: &Path, path: &str, files: &mut Vec<Source>) {
    let full = root.join(path);
    if full.is_dir() {
        let mut names: Vec<String> = fs::read_dir(full)
            .expect("a folder of the tree can be listed")
            .map(|entry| entry.expect("and so can what is in it").file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        for name in names.iter().filter(|name| !SKIPPED.contains(&name.as_str())) {
            collect(root, &format!("{path}/{name}"), files);
        }
    } else if KINDS.iter().any(|kind| is_kind(path, kind)) {
        // Files at the top may be missing.
        if let Ok(bytes) = fs::read(full) {
            files.push(Source::new(path, &String::from_utf8_lossy(&bytes)));
        }
    }
}

fn is_kind(path: &str, kind: &str) -> bool {
    path.rsplit(['.', '/']).next() == Some(kind)
}

/// The sections of a manifest with the keys in them.
pub(crate) fn sections(manifest: &str) -> impl Iterator<Item = (&str, Vec<String>)> {
    manifest.split("\n[").map(|section| {
        let (name, lines) = section.split_once('\n').unwrap_or((section, ""));
        let key = |line: &str| Some(line.split_once(" = ")?.0.trim().to_owned());
        let is_key = |key: &String| !key.starts_with('#') && !key.contains(['"', ' ']);
        (name.trim_matches(['[', ']']), lines.lines().filter_map(key).filter(is_key).collect())
    })
}

#[test]
fn sections_have_keys() {
    let manifest = "[a]\nx = 1\n# y = 2\n\n[target.'cfg(z)'.dependencies]\nloom = \"0.7\"\n";
    let found: Vec<(&str, Vec<String>)> = sections(manifest).collect();
    let expected = [("a", "x"), ("target.'cfg(z)'.dependencies", "loom")];
    assert_eq!(found, expected.map(|(name, key)| (name, vec![key.to_owned()])));
}
