//! The `sched` layer.
