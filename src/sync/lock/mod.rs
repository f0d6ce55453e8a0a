//! The locks, each a raw type behind the traits of `lock_api` 0.5; all of them always compiled.
//!
//! Called through [`Strategy`](super::Strategy), or directly where a place needs one certain lock.
//!
//! What every lock keeps, and `suite` checks for each:
//! 1. Exclusion, and what happened before a release happened before the acquisitions that follow
//!    it.
//! 2. A thread that waits gets the lock if holders always release it, as far as its promise goes
//!    (`spin`, `mutex`, `rw_read` and `rw_write` say who may starve).
//! 3. `try_*` never waits. It may say no while somebody is just leaving.
//! 4. A free lock is made in a constant. An exclusive lock takes at most 4 bytes, a shared one 8
//!    (16 with reader slots).
//! 5. Release wakes nobody unless somebody announced a sleep in the lock's word.
//!
//! | role | lock | promise |
//! |---|---|---|
//! | exclusive | [`RawSpin`] | no parking, no order |
//! | | [`RawMutex`] | parks, no order |
//! | | [`RawFair`] | parks, FIFO |
//! | shared | [`RawRwFair`] | parks, phase-fair |
//! | | [`RawRwSlots`] | as `RawRwFair`; readers write no line that others write |
//! | | [`RawRwRead`] | parks, reader-preferring, recursive reads |
//! | | [`RawRwWrite`] | parks, writer-preferring, writers FIFO |
//! | foreign, exclusive | [`RawParkingLot`], [`RawSpinCrate`] | their crates' |
//! | foreign, shared | [`RawRwParkingLot`], [`RawRwSpinCrate`] | their crates' |

mod fair;
mod foreign;
mod mutex;
mod optimistic;
mod patience;
mod phased;
mod reentrant;
mod rw_fair;
mod rw_read;
mod rw_slots;
mod rw_write;
mod spin;
#[cfg(test)]
#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
mod suite;

pub use fair::RawFair;
pub use foreign::{RawParkingLot, RawRwParkingLot, RawRwSpinCrate, RawSpinCrate, SpinCrateWriter};
pub use mutex::RawMutex;
pub use optimistic::{Collisions, Optimistic, Stamp};
pub use phased::{Policy, RawPhased};
pub use reentrant::{ReentrantGuard, ReentrantLock};
pub use rw_fair::{PhaseFair, RawRwFair};
pub use rw_read::RawRwRead;
pub use rw_slots::{RawRwSlots, RawSlots, SlotsShare};
pub use rw_write::{RawRwWrite, WritersFirst};
pub use spin::RawSpin;
