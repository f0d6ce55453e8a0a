//! The layers from `sync` to `sched` as a model checker sees them, and what is played on them.
//!
//! Without a feature the checker is shuttle: [`whole`] runs the complete scheduler by a seed,
//! [`schedules`] lets the bytes of a fuzzer choose the schedule. With the feature `loom` the models
//! of `src/sync/models` run under loom. With `native` there is no checker, and `stress` has real
//! threads for a sanitizer.
//!
//! `cargo test --lib models` in this folder runs the models, `cargo test --lib` with a feature
//! less all of shuttle's. `docs/src/internals/proof.md` lists every command.

include!(concat!(env!("OUT_DIR"), "/modules.rs"));

#[cfg(test)]
#[cfg(any(ironsky_loom, ironsky_shuttle))]
mod models;
#[cfg(ironsky_shuttle)]
pub mod schedules;
#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
pub mod stress;
#[cfg(ironsky_shuttle)]
pub mod whole;
