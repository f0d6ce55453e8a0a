//! The lock lab: the same load under every lock, run queue and parker, and what to choose.
//!
//! Called by the command line (`ironsky lab`). Every output is made from one document, `record`:
//! `options` says what was asked for, `grid` makes questions of it, `run` has `measure` answer them
//! for each of the `subjects`, `advice` draws conclusions and `report` writes it all down. `actors`
//! and `lua` answer questions of another kind in the same form: the whole scheduler, whole nodes.

pub mod actors;
pub mod advice;
mod course;
pub mod grid;
pub mod lua;
pub mod machine;
pub mod measure;
pub mod options;
pub mod record;
pub mod replay;
pub mod report;
pub mod run;
pub mod stats;
pub mod subjects;
