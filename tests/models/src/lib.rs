//! The layers from `sync` to `sched` as a model checker sees them.

include!(concat!(env!("OUT_DIR"), "/modules.rs"));
