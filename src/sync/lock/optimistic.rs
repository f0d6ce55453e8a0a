//! A few words that are read without writing anything: stamp, read, validate.
//!
//! Called for values that are read far more often than written (clock, statistics). A reader writes
//! to no shared line, so any number of readers run without disturbing each other. It retries when a
//! writer came between, a bounded number of times, and then takes the writers' lock: so it always
//! ends.
//!
//! | stamp | meaning | set by |
//! |---|---|---|
//! | even | the words are one consistent write | the writer, when it is done |
//! | odd | a writer is changing them | the writer, before the first word |
//!
//! *No torn read*: the payload are atomic words, so there is no data race by the letter. A reader
//! loads the stamp (S1), the words, the stamp again (S2), and accepts if both are the same and
//! even. If one word comes from a later write than S1, its Acquire load pairs with that write's
//! Release store, which comes after the odd stamp; so S2 sees at least that odd stamp and differs.
//! If one word were from an earlier write than S1: the load of S1 pairs with the Release of the
//! even stamp, after which no older value can be read.

use std::fmt;
use std::mem;
use std::sync::atomic::AtomicU64 as Statistic;

use crate::sync::facade::atomic::{AtomicU64, Ordering};

/// Retries before a reader takes the lock. A write is a few stores, so a second collision is rare
/// and an eighth means that writers never pause.
const RETRIES_MAX: usize = 8;

/// The state of the words at some moment, to be asked about later.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Stamp(u64);

/// How often readers met a writer.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub struct Collisions {
    /// Reads that were thrown away and tried again.
    pub retries: u64,
    /// Reads that took the writers' lock in the end.
    pub fallbacks: u64,
}

/// `WORDS` words with optimistic readers; writers exclude each other by the lock `E`.
pub struct Optimistic<E, const WORDS: usize> {
    stamp: AtomicU64,
    words: [AtomicU64; WORDS],
    /// Holds what `stamp` is between two writes.
    writer: lock_api::Mutex<E, u64>,
    /// Counted by readers that met a writer, and by no other.
    retries: Statistic,
    fallbacks: Statistic,
}

impl<E: lock_api::RawMutex, const WORDS: usize> fmt::Debug for Optimistic<E, WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Optimistic").field("words", &self.read()).finish()
    }
}

impl<E: lock_api::RawMutex, const WORDS: usize> Optimistic<E, WORDS> {
    /// Makes the words with these values.
    #[must_use]
    #[allow(clippy::forget_non_drop, reason = "the numbers of a model have something to drop")]
    pub const fn new(values: [u64; WORDS]) -> Self {
        let mut words = [const { AtomicU64::new(0) }; WORDS];
        let mut index = 0;
        while index < WORDS {
            // Forgotten, because a constant cannot drop; nothing was in it yet.
            mem::forget(mem::replace(&mut words[index], AtomicU64::new(values[index])));
            index += 1;
        }
        Self {
            stamp: AtomicU64::new(0),
            words,
            writer: lock_api::Mutex::new(0),
            retries: Statistic::new(0),
            fallbacks: Statistic::new(0),
        }
    }

    /// Returns how often readers met a writer up to now. Divided by the reads it is their rate.
    pub fn collisions(&self) -> Collisions {
        Collisions {
            retries: self.retries.load(Ordering::Relaxed),
            fallbacks: self.fallbacks.load(Ordering::Relaxed),
        }
    }

    /// Reads all words as one write left them.
    ///
    /// # Blocking
    ///
    /// Takes the writers' lock after some collisions in a row.
    #[inline]
    pub fn read(&self) -> [u64; WORDS] {
        self.try_read().unwrap_or_else(|| self.read_slow())
    }

    /// Reads all words as one write left them, unless a writer comes between.
    #[inline]
    pub fn try_read(&self) -> Option<[u64; WORDS]> {
        let stamp = self.stamp()?;
        // Acquire: pairs with the Release in `write_words`.
        let values = std::array::from_fn(|index| self.words[index].load(Ordering::Acquire));
        self.validate(stamp).then_some(values)
    }

    /// Returns the present stamp; none while a writer is at work.
    #[inline]
    pub fn stamp(&self) -> Option<Stamp> {
        // Acquire: pairs with the last store in `write_words`.
        let stamp = self.stamp.load(Ordering::Acquire);
        stamp.is_multiple_of(2).then_some(Stamp(stamp))
    }

    /// Says whether nothing was written since `stamp`, as far as the reads before can tell.
    #[inline]
    #[must_use]
    pub fn validate(&self, stamp: Stamp) -> bool {
        // Relaxed: the Acquire loads of the words come before it.
        self.stamp.load(Ordering::Relaxed) == stamp.0
    }

    /// Replaces all words.
    pub fn write(&self, values: [u64; WORDS]) {
        self.write_words(&mut self.writer.lock(), values);
    }

    /// Changes the words; nothing is written if `change` panics.
    pub fn update<R>(&self, change: impl FnOnce(&mut [u64; WORDS]) -> R) -> R {
        let mut stamp = self.writer.lock();
        let mut values = self.words_alone();
        let result = change(&mut values);
        self.write_words(&mut stamp, values);
        result
    }

    #[cold]
    fn read_slow(&self) -> [u64; WORDS] {
        for _ in 1..RETRIES_MAX {
            self.retries.fetch_add(1, Ordering::Relaxed);
            crate::sync::facade::hint::spin_loop();
            if let Some(values) = self.try_read() {
                return values;
            }
        }
        self.fallbacks.fetch_add(1, Ordering::Relaxed);
        let _alone = self.writer.lock();
        self.words_alone()
    }

    /// The words, read by the holder of the lock.
    fn words_alone(&self) -> [u64; WORDS] {
        // Relaxed: the lock orders them.
        std::array::from_fn(|index| self.words[index].load(Ordering::Relaxed))
    }

    /// Stores the words between two stamps; `stamp` is what the lock protects.
    fn write_words(&self, stamp: &mut u64, values: [u64; WORDS]) {
        // Relaxed: each Release store of a word below publishes it.
        self.stamp.store(*stamp + 1, Ordering::Relaxed);
        for (word, value) in self.words.iter().zip(values) {
            // Release: pairs with the Acquire of the words in `try_read`.
            word.store(value, Ordering::Release);
        }
        *stamp += 2;
        // Release: pairs with the Acquire in `stamp`.
        self.stamp.store(*stamp, Ordering::Release);
    }
}

#[cfg(test)]
#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;
    use crate::sync::lock::{RawMutex, RawSpin};

    #[test]
    fn a_stamp_is_valid_until_the_next_write() {
        let words = Optimistic::<RawMutex, 2>::new([1, 2]);
        let stamp = words.stamp().unwrap();
        assert!(words.validate(stamp));
        words.write([3, 4]);
        assert!(!words.validate(stamp));
        assert_eq!(words.read(), [3, 4]);
    }

    #[test]
    fn an_update_sees_the_last_write_and_a_panic_leaves_it() {
        let words = Optimistic::<RawMutex, 2>::new([1, 2]);
        assert_eq!(words.update(|values| std::mem::replace(&mut values[0], 7)), 1);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            words.update(|values| {
                values[1] = 9;
                panic!("in the middle");
            });
        }));
        assert!(panicked.is_err());
        assert_eq!(words.read(), [7, 2]);
    }

    #[test]
    fn a_reader_gets_through_when_a_writer_never_finishes_in_time() {
        let words = Optimistic::<RawMutex, 1>::new([5]);
        words.stamp.store(1, Ordering::Relaxed);
        assert_eq!(words.try_read(), None);
        assert_eq!(words.read(), [5]);
        let retries = RETRIES_MAX as u64 - 1;
        assert_eq!(words.collisions(), Collisions { retries, fallbacks: 1 });
    }

    #[test]
    fn is_made_in_a_constant_and_counts_no_collision_when_alone() {
        static WORDS: Optimistic<RawMutex, 2> = Optimistic::new([1, 2]);
        assert_eq!(WORDS.read(), [1, 2]);
        WORDS.write([3, 4]);
        assert_eq!(WORDS.read(), [3, 4]);
        assert_eq!(WORDS.collisions(), Collisions::default());
    }

    #[test]
    fn no_read_is_torn() {
        const WRITES: u64 = 100_000;
        let words = Arc::new(Optimistic::<RawSpin, 4>::new([0; 4]));
        let done = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (words, done) = (Arc::clone(&words), Arc::clone(&done));
                thread::spawn(move || {
                    let mut last = 0;
                    while !done.load(Ordering::Acquire) {
                        let [first, rest @ ..] = words.read();
                        assert!(rest.iter().all(|&word| word == first), "torn: {first} {rest:?}");
                        assert!(first >= last, "went back from {last} to {first}");
                        last = first;
                    }
                })
            })
            .collect();
        for value in 1..=WRITES {
            words.write([value; 4]);
        }
        done.store(true, Ordering::Release);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        assert_eq!(words.read(), [WRITES; 4]);
    }
}
