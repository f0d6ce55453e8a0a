//! The facade over std: what production runs.

pub(crate) use std::hint;
pub(crate) use std::sync::{Condvar, Mutex as OsMutex, atomic};

/// Looks before parking; see the contract in `facade`.
pub(crate) const SPIN_ROUNDS_MAX: u32 = u32::MAX;

/// Threads as the protocols need them.
pub(crate) mod thread {
    pub(crate) use std::thread::yield_now;

    /// Returns a number that no other live thread has, never 0.
    #[inline]
    pub(crate) fn token() -> usize {
        thread_local!(static PLACE: u8 = const { 0 });
        PLACE.with(|place| std::ptr::from_ref(place).addr())
    }
}

/// A cell whose accesses a model can see; here it is std's.
#[derive(Debug, Default)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn with<R>(&self, body: impl FnOnce(*const T) -> R) -> R {
        body(self.0.get())
    }

    #[inline]
    pub(crate) fn with_mut<R>(&self, body: impl FnOnce(*mut T) -> R) -> R {
        body(self.0.get())
    }
}

/// Declares a value that all threads share.
macro_rules! global {
    ($name:ident: $type:ty = $value:expr) => {
        static $name: std::sync::LazyLock<$type> = std::sync::LazyLock::new(|| $value);
    };
}
pub(crate) use global;
