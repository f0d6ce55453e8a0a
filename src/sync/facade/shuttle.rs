//! The facade over shuttle: what the randomised whole-scheduler tests run.

pub(crate) use shuttle::hint;
pub(crate) use shuttle::sync::{Condvar, Mutex as OsMutex, atomic};
pub(crate) use shuttle::thread_local;

use std::sync::PoisonError;
use std::time::Duration;

use shuttle::sync::MutexGuard;

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

/// The clocks: they count what the threads of one execution do, so a schedule replays.
pub(crate) mod time {
    use std::ops::Add;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    /// What a look at the clock takes.
    const LOOK_NS: u64 = 1_000;

    shuttle::lazy_static! {
        // Not an atomic of the model: a look at the clock is no place to switch threads.
        static ref NOW_NS: AtomicU64 = AtomicU64::new(0);
    }

    /// A moment of one execution.
    #[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub struct Instant(Duration);

    #[allow(dead_code, reason = "each twin offers the same operations")]
    impl Instant {
        pub(crate) fn now() -> Self {
            Self(pass(Duration::from_nanos(LOOK_NS)))
        }

        pub(crate) fn elapsed(self) -> Duration {
            Self::now().0.saturating_sub(self.0)
        }

        pub(crate) fn checked_add(self, time: Duration) -> Option<Self> {
            self.0.checked_add(time).map(Self)
        }

        pub(crate) fn checked_sub(self, time: Duration) -> Option<Self> {
            self.0.checked_sub(time).map(Self)
        }

        pub(crate) fn saturating_duration_since(self, earlier: Self) -> Duration {
            self.0.saturating_sub(earlier.0)
        }
    }

    impl Add<Duration> for Instant {
        type Output = Self;

        fn add(self, time: Duration) -> Self {
            Self(self.0 + time)
        }
    }

    /// Lets time pass, and returns the time since the start of the execution.
    pub(super) fn pass(time: Duration) -> Duration {
        let passed = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 4).min(u64::MAX / 4);
        // Relaxed: one thread of the system runs the whole execution.
        let before = NOW_NS.fetch_add(passed, Ordering::Relaxed);
        Duration::from_nanos(before + passed)
    }

    /// Returns the nanoseconds since the start of the execution, never 0.
    pub(crate) fn nanoseconds() -> u64 {
        u64::try_from(pass(Duration::from_nanos(LOOK_NS)).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Returns the wall clock's time since the epoch; it stands, so that executions are alike.
    pub(crate) fn wall() -> Duration {
        Duration::from_secs(1)
    }
}

/// Lets others run once, and lets the time pass. Who is not woken meanwhile sees that it is over.
pub(crate) fn wait_timeout<'a, T>(
    mutex: &'a OsMutex<T>,
    _condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    timeout: Duration,
) -> MutexGuard<'a, T> {
    drop(guard);
    time::pass(timeout);
    thread::yield_now();
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
