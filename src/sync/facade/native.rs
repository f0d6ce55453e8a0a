//! The facade over std: what production runs.

pub(crate) use std::hint;
pub(crate) use std::sync::{Condvar, Mutex as OsMutex, atomic};
pub(crate) use std::thread_local;

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

/// Looks before parking; see the contract in `facade`.
pub(crate) const SPIN_ROUNDS_MAX: u32 = 1_000;

/// Threads as the protocols need them.
pub(crate) mod thread {
    pub(crate) use std::thread::yield_now;

    use std::cell::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Returns a number that no other thread has or had, never 0.
    #[inline]
    pub(crate) fn token() -> usize {
        thread_local!(static TOKEN: Cell<usize> = const { Cell::new(0) });
        TOKEN.with(|token| {
            if token.get() == 0 {
                token.set(draw());
            }
            token.get()
        })
    }

    #[cold]
    fn draw() -> usize {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        // Relaxed: only the number matters.
        LAST.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The clocks.
pub(crate) mod time {
    pub(crate) use std::time::Instant;

    use std::sync::LazyLock;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);

    /// Returns the nanoseconds since the first call, plus one.
    pub(crate) fn nanoseconds() -> u64 {
        let since = Instant::now().saturating_duration_since(*START);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX - 1) + 1
    }

    /// Returns the wall clock's time since the epoch.
    pub(crate) fn wall() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

/// Waits on the pair for at most this long, or for less.
pub(crate) fn wait_timeout<'a, T>(
    _mutex: &'a OsMutex<T>,
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    timeout: Duration,
) -> MutexGuard<'a, T> {
    condvar.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner).0
}

/// A cell whose accesses a model can see; here it is std's.
#[derive(Debug, Default)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[allow(dead_code, reason = "each twin offers the same operations")]
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
    (const $name:ident: $type:ty = $value:expr) => {
        static $name: &$type = {
            static VALUE: $type = $value;
            &VALUE
        };
    };
    ($name:ident: $type:ty = $value:expr) => {
        static $name: std::sync::LazyLock<$type> = std::sync::LazyLock::new(|| $value);
    };
}
pub(crate) use global;
