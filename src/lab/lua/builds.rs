//! The builds: which features, with which command, and where the executables go.
//!
//! All builds share one target folder, `target/lab` of the source tree: only ironsky itself is
//! compiled again. Each executable is copied before the next build replaces it.

use super::LuaLabError;
use crate::config::lua_release;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// One choice of features.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Variant {
    /// Without those that are the default.
    features: Vec<&'static str>,
}

/// For each role the features besides the default.
const EXCLUSIVE: &[&str] = &["lock-spin", "lock-fair", "lock-spin-crate"];
const SHARED: &[&str] = &["rwlock-fair", "rwlock-read", "rwlock-write"];
const QUEUE: &[&str] = &["queue-locked"];
const ALLOCATOR: &[&str] = &["nojemalloc"];

impl Variant {
    /// The default, and what differs from it in one feature.
    pub(super) fn some() -> Vec<Self> {
        let others = [EXCLUSIVE, SHARED, QUEUE, ALLOCATOR].concat();
        let others = others.into_iter().map(|feature| Self { features: vec![feature] });
        std::iter::once(Self::default()).chain(others).collect()
    }

    /// Every combination; the default first.
    pub(super) fn all() -> Vec<Self> {
        [EXCLUSIVE, SHARED, QUEUE, ALLOCATOR].iter().fold(vec![Self::default()], |found, role| {
            let with = |variant: &Self| {
                let mut variants = vec![variant.clone()];
                variants.extend(role.iter().map(|feature| variant.and(feature)));
                variants
            };
            found.iter().flat_map(with).collect()
        })
    }

    fn and(&self, feature: &'static str) -> Self {
        let mut features = self.features.clone();
        features.push(feature);
        Self { features }
    }

    pub(super) fn is_default(&self) -> bool {
        self.features.is_empty()
    }

    /// The name in reports and of the executable.
    pub(super) fn name(&self) -> String {
        if self.is_default() { "default".to_owned() } else { self.features.join(",") }
    }

    /// What to put behind `--features`.
    pub(super) fn features(&self) -> String {
        match self.is_default() {
            true => "lock-mutex,rwlock-slots,queue-lockfree".to_owned(),
            false => self.features.join(","),
        }
    }

    /// The words that `--version` of this build has to contain.
    fn strategy(&self) -> [String; 3] {
        [("lock-", "mutex"), ("rwlock-", "slots"), ("queue-", "lockfree")].map(|(role, default)| {
            let chosen = self.features.iter().find_map(|feature| feature.strip_prefix(role));
            format!("{}{}", role.replace('-', " "), chosen.unwrap_or(default))
        })
    }
}

/// The source tree that is built.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    folder: PathBuf,
}

/// Returns the source tree to build from: the one that this executable was built from if it is
/// still there, else the current folder.
///
/// # Errors
/// When neither is one.
pub fn source_tree() -> Result<PathBuf, LuaLabError> {
    let here = std::env::current_dir().unwrap_or_default();
    let places = [PathBuf::from(env!("CARGO_MANIFEST_DIR")), here];
    let found = places.iter().find(|place| is_source(place)).cloned();
    let names = || places.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(" or ");
    found.ok_or_else(|| LuaLabError::NoSource(names()))
}

fn is_source(folder: &Path) -> bool {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    manifest.lines().any(|line| line.trim() == "name = \"ironsky\"")
}

impl Tree {
    /// The given folder, or [`source_tree`].
    pub(super) fn find(given: Option<&Path>) -> Result<Self, LuaLabError> {
        match given {
            None => source_tree().map(|folder| Self { folder }),
            Some(folder) if is_source(folder) => Ok(Self { folder: folder.to_owned() }),
            Some(folder) => Err(LuaLabError::NoSource(folder.display().to_string())),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn target(&self) -> PathBuf {
        self.folder.join("target/lab")
    }

    /// Builds a variant and returns the copy of its executable.
    pub(super) fn build(&self, variant: &Variant) -> Result<PathBuf, LuaLabError> {
        let output = output(self.command(variant))?;
        if !output.status.success() {
            let output = last_lines(&String::from_utf8_lossy(&output.stderr));
            return Err(LuaLabError::Build { variant: variant.name(), output });
        }
        let copy = self.keep(variant)?;
        check(&copy, variant)?;
        Ok(copy)
    }

    /// The command that builds a variant. The lab itself is left out: it is not measured, and the
    /// builds are shorter without it.
    fn command(&self, variant: &Variant) -> Command {
        let lua = if lua_release().contains("5.4") { "lua54" } else { "lua55" };
        let features = std::iter::once(lua).chain(variant.features.iter().copied());
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["build", "--release", "--bin", "ironsky", "--no-default-features"]);
        command.arg("--features").arg(features.collect::<Vec<_>>().join(","));
        command.arg("--manifest-path").arg(self.folder.join("Cargo.toml"));
        command.arg("--target-dir").arg(self.target());
        // The current folder may have settings of its own for cargo.
        command.current_dir(&self.folder);
        command
    }

    fn keep(&self, variant: &Variant) -> Result<PathBuf, LuaLabError> {
        let folder = self.target().join("programs");
        let copy = folder.join(variant.name());
        let built = self.target().join("release/ironsky");
        let copied = std::fs::create_dir_all(&folder).and_then(|()| std::fs::copy(&built, &copy));
        let what = || format!("cannot copy {} to {}", built.display(), copy.display());
        copied.map_err(|error| LuaLabError::Io { what: what(), error })?;
        Ok(copy)
    }
}

/// Makes sure that a build has the strategy that it was built for.
fn check(program: &Path, variant: &Variant) -> Result<(), LuaLabError> {
    let mut command = Command::new(program);
    command.arg("--version");
    let said = output(command)?.stdout;
    let said = String::from_utf8_lossy(&said);
    let strategy = said.lines().find(|line| line.starts_with("strategy:")).unwrap_or_default();
    let words: Vec<&str> = strategy.split([' ', ',', ':']).filter(|w| !w.is_empty()).collect();
    let has = |part: &String| {
        let mut pair = part.split(' ');
        let (role, name) = (pair.next(), pair.next());
        words.windows(2).any(|two| Some(two[0]) == role && Some(two[1]) == name)
    };
    if variant.strategy().iter().all(has) {
        return Ok(());
    }
    Err(LuaLabError::OtherStrategy { variant: variant.name(), found: strategy.to_owned() })
}

fn output(mut command: Command) -> Result<Output, LuaLabError> {
    let program: OsString = command.get_program().to_owned();
    let what = || format!("cannot run {}", program.display());
    command.stdin(Stdio::null()).output().map_err(|error| LuaLabError::Io { what: what(), error })
}

/// The end of a long output: where the reason is.
pub(super) fn last_lines(text: &str) -> String {
    const LINES_MAX: usize = 30;
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES_MAX)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn line(variant: &Variant) -> String {
        let command = Tree { folder: "/tree".into() }.command(variant);
        let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_command_names_features_manifest_and_target() {
        let variant = Variant { features: vec!["lock-fair", "queue-locked"] };
        let lua = if lua_release().contains("5.4") { "lua54" } else { "lua55" };
        let expected = format!(
            "build --release --bin ironsky --no-default-features \
             --features {lua},lock-fair,queue-locked \
             --manifest-path /tree/Cargo.toml --target-dir /tree/target/lab"
        );
        assert_eq!(line(&variant), expected);
        assert!(line(&Variant::default()).contains(&format!("--features {lua} --manifest-path")));
    }

    #[test]
    fn the_product_is_complete_and_begins_with_the_default() {
        let names: HashSet<String> = Variant::all().iter().map(Variant::name).collect();
        assert_eq!(names.len(), 4 * 4 * 2 * 2);
        assert!(names.contains("lock-spin-crate,rwlock-write,queue-locked,nojemalloc"));
        assert!(Variant::all()[0].is_default() && Variant::some()[0].is_default());
        assert_eq!(Variant::some().len(), 1 + 3 + 3 + 1 + 1);
    }

    #[test]
    fn features_are_those_of_the_manifest() {
        let manifest = include_str!("../../../Cargo.toml");
        for variant in Variant::all() {
            for feature in variant.features().split(',') {
                assert!(manifest.contains(&format!("\n{feature} = [")), "{feature}");
            }
        }
    }

    #[test]
    fn a_build_has_to_say_its_strategy() {
        let variant = Variant { features: vec!["rwlock-write", "nojemalloc"] };
        assert_eq!(variant.strategy(), ["lock mutex", "rwlock write", "queue lockfree"]);
    }

    #[test]
    fn a_folder_without_source_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = Tree::find(Some(dir.path())).unwrap_err().to_string();
        assert!(error.contains(&dir.path().display().to_string()), "{error}");
        assert!(is_source(Path::new(env!("CARGO_MANIFEST_DIR"))));
    }

    #[test]
    fn a_long_output_is_shortened_to_its_end() {
        let text: Vec<String> = (0..100).map(|line| line.to_string()).collect();
        let end = last_lines(&text.join("\n"));
        assert!(end.starts_with("70\n") && end.ends_with("\n99"));
    }
}
