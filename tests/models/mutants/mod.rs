//! x
pub(crate) struct Mutant { pub(crate) name: &'static str, pub(crate) file: &'static str, pub(crate) text: &'static str, pub(crate) replacement: &'static str }
pub(crate) const MUTANTS: &[Mutant] = &[];
