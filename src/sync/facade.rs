//! The seam between the protocols of `sync` and the world they run in.
//!
//! Called by every file of `sync` (and by the layers above that have a protocol to model). Three
//! twins offer the same names: `native` (std), `loom` (`--cfg ironsky_loom`) and `shuttle`
//! (`--cfg ironsky_shuttle`).
//!
//! What each twin must offer:
//! - `atomic`: `AtomicBool`, `AtomicPtr`, `AtomicU32`, `AtomicU64`, `AtomicUsize` with
//!   `const fn new`, `Ordering`, `fence`.
//! - `hint::spin_loop` and `thread::yield_now`: let another thread run. Every loop that waits for
//!   another thread calls one of them in each round.
//! - `thread::token`: a number that no other thread has or had, never 0.
//! - `UnsafeCell` with `const fn new`, `with` and `with_mut`: the models see each access.
//! - `OsMutex`, `Condvar`: the world's own blocking pair, with `const fn new`; `wait_timeout` for
//!   the pair, which may return early.
//! - `time::Instant`, `time::nanoseconds` (since some moment, never 0), `time::wall`: the clocks.
//!   In shuttle's world time is counted and not measured, so that a schedule replays: each look
//!   takes a microsecond, and a thread that waits with a timeout makes that time pass when nobody
//!   wakes it first. In loom's it stands still, and there are no timeouts.
//! - `thread_local!`: a value for each thread of the world.
//! - `global!`: a value that all threads share (in a model: all threads of one execution);
//!   `global!(const ...)` for a value that can be made in a constant.
//! - `SPIN_ROUNDS_MAX`: how often a waiter may look before it parks; hardly ever in a model, where
//!   each look multiplies the number of schedules.

cfg_select! {
    ironsky_loom => {
        mod loom;
        pub(crate) use self::loom::*;
    }
    ironsky_shuttle => {
        mod shuttle;
        pub(crate) use self::shuttle::*;
    }
    _ => {
        mod native;
        pub(crate) use self::native::*;
    }
}
