//! Bugs that are planted on purpose, one at a time, to see that the tests find them.
//!
//! Data only: nothing of it is in `src/`. `build.rs` plants the one that `IRONSKY_MUTANT` names in
//! a copy of the sources; `cargo run --bin mutants` builds and runs all of them; `tests/mutants.rs`
//! of ironsky checks that each text still occurs exactly once, so the table cannot age.

#![allow(dead_code, reason = "who plants a bug and who lists it need different parts")]

mod locks;
mod mailbox;
mod parking;
mod scheduler;
mod slots;

/// One bug: what is replaced where, and what it breaks.
#[derive(Debug)]
pub(crate) struct Mutant {
    /// What `IRONSKY_MUTANT` is set to.
    pub(crate) name: &'static str,
    /// From the top of the tree.
    pub(crate) file: &'static str,
    /// Occurs exactly once in the file.
    pub(crate) text: &'static str,
    /// Stands there instead.
    pub(crate) replacement: &'static str,
    /// What goes wrong.
    pub(crate) breaks: &'static str,
}

/// All bugs.
pub(crate) fn all() -> impl Iterator<Item = &'static Mutant> {
    [locks::MUTANTS, slots::MUTANTS, parking::MUTANTS, mailbox::MUTANTS, scheduler::MUTANTS]
        .into_iter()
        .flatten()
}
