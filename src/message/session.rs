//! Sessions: the numbers that pair an answer with its request. Spec: runtime section 4.3.

use std::sync::atomic::{AtomicI32, Ordering};

/// Pairs an answer with its request within the service that asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Session(i32);

impl Session {
    /// No answer is expected.
    pub const NONE: Session = Session(0);

    /// Makes a session of its number.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub const fn number(self) -> i32 {
        self.0
    }
}

/// Hands out the sessions of one service: 1 to 2^31 - 1, then 1 again.
#[derive(Debug, Default)]
pub struct SessionCounter(AtomicI32);

impl SessionCounter {
    /// Starts after `last`, so that the next session is the one behind it.
    pub const fn after(last: i32) -> Self {
        Self(AtomicI32::new(last))
    }

    /// Goes on behind `last`, as if so many sessions had been handed out. Only the service itself
    /// may call it, as [`Self::next`]; tests reach the end of the range by it.
    pub fn skip_to(&self, last: i32) {
        // Relaxed: the number orders nothing.
        self.0.store(last, Ordering::Relaxed);
    }

    /// Returns the next session.
    ///
    /// Only the service itself asks, one message at a time, so a plain load and store is enough;
    /// two threads that ask at once (which nothing does) could get the same number, never a wrong
    /// one.
    pub fn next(&self) -> Session {
        // Relaxed: the number orders nothing.
        let last = self.0.load(Ordering::Relaxed);
        let next = if last == i32::MAX { 1 } else { last + 1 };
        self.0.store(next, Ordering::Relaxed);
        Session(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_session_is_one() {
        assert_eq!(SessionCounter::default().next(), Session::new(1));
    }

    #[test]
    fn skips_what_it_is_told() {
        let counter = SessionCounter::default();
        counter.skip_to(41);
        assert_eq!(counter.next(), Session::new(42));
    }

    #[test]
    fn wraps_to_one_after_the_largest() {
        let counter = SessionCounter::after(i32::MAX - 1);
        assert_eq!(counter.next(), Session::new(i32::MAX));
        assert_eq!(counter.next(), Session::new(1));
    }
}
