//! The facade over shuttle: what the randomised whole-scheduler tests run.

pub(crate) use shuttle::hint;
pub(crate) use shuttle::sync::{Condvar, Mutex as OsMutex, atomic};

/// One look: what it shows, more of them show too.
pub(crate) const SPIN_ROUNDS_MAX: u32 = 1;

/// Threads as the protocols need them.
pub(crate) mod thread {
    pub(crate) use shuttle::thread::yield_now;

    /// Returns a number that no other thread has or had, never 0.
    pub(crate) fn token() -> usize {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        shuttle::thread::current().id().hash(&mut hasher);
        usize::try_from(hasher.finish() | 1).expect("the models run on 64-bit machines")
    }
}

/// A cell; shuttle does not watch accesses, so it is std's.
#[derive(Debug, Default)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[allow(dead_code, reason = "each twin offers the same operations")]
    pub(crate) fn with<R>(&self, body: impl FnOnce(*const T) -> R) -> R {
        body(self.0.get())
    }

    pub(crate) fn with_mut<R>(&self, body: impl FnOnce(*mut T) -> R) -> R {
        body(self.0.get())
    }
}

/// Time stands still: the schedules are what is explored.
pub(crate) mod clock {
    /// Returns the one moment that there is.
    pub(crate) fn nanoseconds() -> u64 {
        1
    }
}

/// Declares a value that all threads of one execution share.
macro_rules! global {
    (const $name:ident: $type:ty = $value:expr) => {
        global!($name: $type = $value);
    };
    ($name:ident: $type:ty = $value:expr) => {
        shuttle::lazy_static! { static ref $name: $type = $value; }
    };
}
pub(crate) use global;
