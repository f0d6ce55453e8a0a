//! The locks, each a raw type behind the traits of `lock_api` 0.5.
//!
//! Called through [`Strategy`](super::Strategy).

mod foreign;

pub use foreign::{RawParkingLot, RawRwParkingLot, RawRwSpinCrate, RawSpinCrate};
pub use parking_lot::{
    RawMutex, RawMutex as RawFair, RawMutex as RawSpin, RawRwLock as RawRwFair,
    RawRwLock as RawRwRead, RawRwLock as RawRwWrite,
};
