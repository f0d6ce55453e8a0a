//! Locks, run queue and parking: everything two threads of ironsky use to meet.
//!
//! Called by every layer above. A [`Strategy`] bundles one exclusive lock, one shared lock, one
//! run queue and one parker; [`Selected`] is the bundle that the features chose.
//!
//! Invariants of the folder:
//! 1. All strategies are always compiled; a feature only moves the default (`selected.rs`).
//! 2. Own protocols use the atomics of `facade`, so that loom and shuttle can run them.
//! 3. Only `futex.rs` talks to the operating system.

pub mod class;
pub(crate) mod facade;
mod futex;
pub mod lock;
mod lookout;
#[cfg(test)]
#[cfg(any(ironsky_loom, ironsky_shuttle))]
mod models;
mod next_slot;
mod parker;
mod queue;
#[cfg(debug_assertions)]
#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
mod rank;
mod selected;
mod sleepers;
pub mod stats;
mod strategy;

pub use class::Class;
pub use futex::futex_calls;
pub use lock::{Optimistic, ReentrantGuard, ReentrantLock};
pub use lookout::Lookout;
pub use next_slot::NextSlot;
pub use parker::{CondvarParker, FutexParker, Park};
pub use queue::{LockFreeQueue, LockedQueue, RunQueue};
pub use selected::Selected;
pub use sleepers::{Sleepers, Woken};
pub use strategy::{
    Bundle, LockFree, Locked, Mutex, MutexGuard, Named, QueueFamily, RwLock, Selection, Strategy,
    describe,
};
