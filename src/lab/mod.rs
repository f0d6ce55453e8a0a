//! The lock lab: the same load under every lock, run queue and parker, and what to choose.
//!
//! Called by the command line (`ironsky lab`). Every output is made from one document, `record`.

pub mod actors;
pub mod advice;
pub mod lua;
pub mod record;
pub mod report;
pub mod stats;
