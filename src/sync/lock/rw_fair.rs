//! `rw_fair`: a phase-fair reader-writer lock that parks; the default.
//!
//! Called through `Strategy` (`rwlock-fair`). Reader phases and writer phases alternate while both
//! wait. Promises, besides exclusion and no lost wake-up:
//! - a reader waits for at most one writer phase (and the readers that are in before it),
//! - a writer waits for at most the writers that came before it, and one reader phase before each
//!   of them and before itself; writers are served in the order of arrival.
//!
//! A thread must not take a second read share: a writer that waits in between would block it.
//! The state table is in `phased`.

use super::phased::{Policy, RawPhased};
use crate::sync::strategy::Named;

/// The policy of [`RawRwFair`].
#[derive(Debug)]
pub struct PhaseFair;

impl Policy for PhaseFair {
    const WRITERS_FIRST: bool = false;
}

/// The raw phase-fair lock.
pub type RawRwFair = RawPhased<PhaseFair>;

impl Named for RawRwFair {
    const NAME: &'static str = "fair";
}
