//! The facade over loom: what the models run.
//!
//! loom's atomics and cells cannot be made in a `const`, which the locks need, so each is made at
//! its first use. loom counts that moment as the creation: a model touches a fresh lock once
//! before it spawns threads (`models::settle`).

use std::sync::{OnceLock, PoisonError};
use std::time::Duration;

pub(crate) use loom::hint;
use loom::sync::MutexGuard;
pub(crate) use loom::sync::{Condvar, Mutex as OsMutex};

/// No look: each one multiplies the schedules, and loom lets others run during it, which hides the
/// schedules where a waiter parks at once.
pub(crate) const SPIN_ROUNDS_MAX: u32 = 0;

/// Threads as the protocols need them.
pub(crate) mod thread {
    pub(crate) use loom::thread::yield_now;

    /// Returns a number that no other thread has or had, never 0.
    pub(crate) fn token() -> usize {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        loom::thread::current().id().hash(&mut hasher);
        usize::try_from(hasher.finish() | 1).expect("the models run on 64-bit machines")
    }
}

/// The clocks: no model has a timeout, so the system's will do.
pub(crate) mod time {
    pub(crate) use std::time::Instant;

    /// Returns the one moment that there is: the schedules are what is explored.
    pub(crate) fn nanoseconds() -> u64 {
        1
    }

    /// Returns a wall clock that stands.
    pub(crate) fn wall() -> std::time::Duration {
        std::time::Duration::from_secs(1)
    }
}

/// Waits on the pair; loom knows no timeouts.
pub(crate) fn wait_timeout<'a, T>(
    _mutex: &'a OsMutex<T>,
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    timeout: Duration,
) -> MutexGuard<'a, T> {
    condvar.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner).0
}

/// loom's atomics, made at the first use.
pub(crate) mod atomic {
    use super::OnceLock;
    pub(crate) use loom::sync::atomic::{Ordering, fence};

    macro_rules! late_atomic {
        ($name:ident, $value:ty) => {
            #[derive(Debug)]
            pub(crate) struct $name {
                initial: $value,
                made: OnceLock<loom::sync::atomic::$name>,
            }

            #[allow(dead_code, reason = "each twin offers the same operations")]
            impl $name {
                pub(crate) const fn new(initial: $value) -> Self {
                    Self { initial, made: OnceLock::new() }
                }

                #[track_caller]
                fn get(&self) -> &loom::sync::atomic::$name {
                    self.made.get_or_init(|| loom::sync::atomic::$name::new(self.initial))
                }

                #[track_caller]
                pub(crate) fn load(&self, order: Ordering) -> $value {
                    self.get().load(order)
                }

                #[track_caller]
                pub(crate) fn store(&self, value: $value, order: Ordering) {
                    self.get().store(value, order);
                }

                #[track_caller]
                pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                    self.get().swap(value, order)
                }

                #[track_caller]
                pub(crate) fn compare_exchange(
                    &self,
                    current: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    self.get().compare_exchange(current, new, success, failure)
                }

                #[track_caller]
                pub(crate) fn compare_exchange_weak(
                    &self,
                    current: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    self.get().compare_exchange(current, new, success, failure)
                }
            }
        };
    }

    macro_rules! late_integer {
        ($name:ident, $value:ty) => {
            late_atomic!($name, $value);

            #[allow(dead_code, reason = "each twin offers the same operations")]
            impl $name {
                #[track_caller]
                pub(crate) fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                    self.get().fetch_add(value, order)
                }

                #[track_caller]
                pub(crate) fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                    self.get().fetch_sub(value, order)
                }

                #[track_caller]
                pub(crate) fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                    self.get().fetch_or(value, order)
                }

                #[track_caller]
                pub(crate) fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                    self.get().fetch_and(value, order)
                }
            }
        };
    }

    /// loom's pointer, made at the first use.
    #[derive(Debug)]
    pub(crate) struct AtomicPtr<T> {
        initial: *mut T,
        made: OnceLock<loom::sync::atomic::AtomicPtr<T>>,
    }

    // SAFETY: as for std's pointer, the user of the pointer answers for what it points to.
    unsafe impl<T> Send for AtomicPtr<T> {}
    // SAFETY: as above; `initial` is never written.
    unsafe impl<T> Sync for AtomicPtr<T> {}

    #[allow(dead_code, reason = "each twin offers the same operations")]
    impl<T> AtomicPtr<T> {
        pub(crate) const fn new(initial: *mut T) -> Self {
            Self { initial, made: OnceLock::new() }
        }

        #[track_caller]
        fn get(&self) -> &loom::sync::atomic::AtomicPtr<T> {
            self.made.get_or_init(|| loom::sync::atomic::AtomicPtr::new(self.initial))
        }

        #[track_caller]
        pub(crate) fn load(&self, order: Ordering) -> *mut T {
            self.get().load(order)
        }

        #[track_caller]
        pub(crate) fn swap(&self, value: *mut T, order: Ordering) -> *mut T {
            self.get().swap(value, order)
        }
    }

    late_atomic!(AtomicBool, bool);
    late_integer!(AtomicU32, u32);
    late_integer!(AtomicU64, u64);
    late_integer!(AtomicUsize, usize);
}

/// loom's cell, made at the first use.
#[derive(Debug)]
pub(crate) struct UnsafeCell<T> {
    initial: std::cell::UnsafeCell<Option<T>>,
    made: OnceLock<loom::cell::UnsafeCell<T>>,
}

// SAFETY: as for loom's cell, the user of the cell answers for the accesses; `initial` is only
// touched inside `OnceLock::get_or_init`, by one thread.
unsafe impl<T: Send> Sync for UnsafeCell<T> {}

impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { initial: std::cell::UnsafeCell::new(Some(value)), made: OnceLock::new() }
    }

    #[track_caller]
    fn get(&self) -> &loom::cell::UnsafeCell<T> {
        self.made.get_or_init(|| {
            // SAFETY: `get_or_init` runs this once, in one thread, and nothing else reads it.
            let value = unsafe { (*self.initial.get()).take() };
            loom::cell::UnsafeCell::new(value.expect("the value is taken only here, once"))
        })
    }

    #[allow(dead_code, reason = "each twin offers the same operations")]
    #[track_caller]
    pub(crate) fn with<R>(&self, body: impl FnOnce(*const T) -> R) -> R {
        self.get().with(body)
    }

    #[track_caller]
    pub(crate) fn with_mut<R>(&self, body: impl FnOnce(*mut T) -> R) -> R {
        self.get().with_mut(body)
    }
}

/// Declares values for each thread of one execution. loom's own form takes no `const` block.
macro_rules! local {
    ($($(#[$note:meta])* static $name:ident: $type:ty = const { $value:expr };)+) => {
        $(loom::thread_local! { $(#[$note])* static $name: $type = $value; })+
    };
}
pub(crate) use local as thread_local;

/// Declares a value that all threads of one execution share.
macro_rules! global {
    (const $name:ident: $type:ty = $value:expr) => {
        global!($name: $type = $value);
    };
    ($name:ident: $type:ty = $value:expr) => {
        loom::lazy_static! { static ref $name: $type = $value; }
    };
}
pub(crate) use global;
