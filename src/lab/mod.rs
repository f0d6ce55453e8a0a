//! The lock lab: the same load under every lock, run queue and parker, and what to choose.
//!
//! Called by the command line (`ironsky lab`). Every output is made from one document, `record`.

pub mod measure;
pub mod record;
pub mod stats;
pub mod subjects;
