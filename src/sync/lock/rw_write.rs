//! `rw_write`: a writer-preferring reader-writer lock that parks.
//!
//! Called through `Strategy`. Promises, besides exclusion and no lost wake-up: a
//! writer waits for the readers that are in and for the writers that came before it, in order.
//! Readers come in when no writer holds or waits; under steady writing they may starve.
//!
//! A thread must not take a second read share: a writer that waits in between would block it.
//! The state table is in `phased`.

use super::phased::{Policy, RawPhased};
use crate::sync::strategy::Named;

/// The policy of [`RawRwWrite`].
#[derive(Debug)]
pub struct WritersFirst;

impl Policy for WritersFirst {
    const WRITERS_FIRST: bool = true;
}

/// The raw writer-preferring lock.
pub type RawRwWrite = RawPhased<WritersFirst>;

impl Named for RawRwWrite {
    const NAME: &'static str = "write";
}
