//! Both futexes keep the contract: the system's and the table's.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::*;

macro_rules! contract {
    ($system:ident) => {
        mod $system {
            use super::*;
            use crate::sync::futex::$system::{wait, wake};

            #[test]
            fn a_word_that_differs_is_not_waited_on() {
                let word = AtomicU32::new(1);
                assert!(wait(&word, 0, ANYBODY, None));
            }

            #[test]
            fn the_low_half_of_a_long_word_is_what_counts() {
                let word = AtomicU64::new(7 << 32 | 1);
                assert!(wait(&word, 7, ANYBODY, None));
                assert!(!wait(&word, 1, ANYBODY, Some(Duration::from_millis(1))));
            }

            #[test]
            fn time_runs_out() {
                let word = AtomicU32::new(0);
                assert!(!wait(&word, 0, ANYBODY, Some(Duration::from_millis(1))));
            }

            #[test]
            fn a_wake_after_the_change_is_never_missed() {
                for _ in 0..200 {
                    let word = Arc::new(AtomicU32::new(0));
                    let sleeper = Arc::clone(&word);
                    let thread = thread::spawn(move || {
                        while sleeper.load(Ordering::Acquire) == 0 {
                            assert!(wait(&*sleeper, 0, 1, Some(Duration::from_secs(30))));
                        }
                    });
                    word.store(1, Ordering::Release);
                    wake(word.place(), 1, 1);
                    thread.join().unwrap();
                }
            }

            #[test]
            fn a_wake_passes_over_other_masks() {
                let word = Arc::new(AtomicU32::new(0));
                let sleeper = Arc::clone(&word);
                let stranger =
                    thread::spawn(move || wait(&*sleeper, 0, 2, Some(Duration::from_millis(50))));
                while !stranger.is_finished() {
                    wake(word.place(), EVERYBODY, 1);
                    thread::yield_now();
                }
                assert!(!stranger.join().unwrap());
            }
        }
    };
}

#[cfg(target_os = "linux")]
contract!(linux);
contract!(table);

#[test]
fn calls_are_counted_by_the_thread_that_makes_them() {
    let word = AtomicU32::new(0);
    let before = futex_calls();
    wake(&word, 1, ANYBODY);
    super::wait(&word, 1, ANYBODY);
    assert!(!wait_timeout(&word, 0, ANYBODY, Duration::from_millis(1)));
    assert_eq!(futex_calls(), before + 3);
    assert_eq!(thread::spawn(futex_calls).join().unwrap(), 0);
}
