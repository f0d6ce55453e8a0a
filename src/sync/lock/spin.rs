//! `spin`: a test-and-test-and-set lock that never parks.
//!
//! Called through `Strategy` (`lock-spin`). For sections of a few instructions with a thread a
//! core. Promises exclusion and nothing else: no order and no bound on waiting. A waiter that has
//! looked for a while yields its core, so an oversubscribed machine crawls but does not stop.
//!
//! | word | meaning | set by | cleared by |
//! |---|---|---|---|
//! | false | free | the holder, at release | |
//! | true | held | the one who found it false | the holder |

use lock_api::GuardNoSend;

use crate::sync::facade::atomic::{AtomicBool, Ordering};
use crate::sync::facade::{SPIN_ROUNDS_MAX, hint, thread};
use crate::sync::strategy::Named;

/// Doublings of the pause before the waiter takes the holder for descheduled: 2^6 pauses are some
/// microseconds, longer than any section this lock is meant for.
const DOUBLINGS_MAX: u32 = if SPIN_ROUNDS_MAX < 6 { SPIN_ROUNDS_MAX } else { 6 };

/// The raw spin lock.
#[derive(Debug)]
pub struct RawSpin {
    locked: AtomicBool,
}

impl Named for RawSpin {
    const NAME: &'static str = "spin";
}

// SAFETY:
// - exclusion: an acquisition is an exchange of false for true, and only the holder stores false.
unsafe impl lock_api::RawMutex for RawSpin {
    const INIT: Self = Self { locked: AtomicBool::new(false) };

    type Guard = GuardNoSend;

    #[inline]
    fn lock(&self) -> GuardNoSend {
        if !self.take() {
            self.lock_slow();
        }
        GuardNoSend::new()
    }

    #[inline]
    fn try_lock(&self) -> Option<GuardNoSend> {
        self.take().then(GuardNoSend::new)
    }

    #[inline]
    unsafe fn unlock(&self, _guard: GuardNoSend) {
        // Release: pairs with the Acquire in `take`.
        self.locked.store(false, Ordering::Release);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        // Relaxed: a hint; `take` decides.
        self.locked.load(Ordering::Relaxed)
    }
}

impl RawSpin {
    #[inline]
    fn take(&self) -> bool {
        // Acquire: pairs with the Release in `unlock`.
        self.locked.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn lock_slow(&self) {
        let mut doublings = 0;
        loop {
            while lock_api::RawMutex::is_locked(self) {
                back_off(&mut doublings);
            }
            if self.take() {
                return;
            }
        }
    }
}

/// Pauses twice as long as the last time, and from some length on gives the core away.
fn back_off(doublings: &mut u32) {
    if *doublings >= DOUBLINGS_MAX {
        thread::yield_now();
        return;
    }
    for _ in 0..1_u32 << *doublings {
        hint::spin_loop();
    }
    *doublings += 1;
}
