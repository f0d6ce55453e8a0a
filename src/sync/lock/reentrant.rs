//! A lock that its holder may take again.
//!
//! Called where a callback may come back into the code that called it. The parameter `E` is the
//! exclusive lock underneath: `ReentrantLock<RawFair, T>` is fair, `ReentrantLock<RawMutex, T>`
//! not. A guard gives `&T` only: several of one thread live at once.
//!
//! | field | meaning | who touches it |
//! |---|---|---|
//! | `owner` | the token of the holder's thread, 0 while free | the holder writes, all read |
//! | `held.depth` | how many guards live | the holder |
//! | `held.guard` | the raw lock's guard; initialised while `depth` > 0 | the holder |
//!
//! A thread reads its own token in `owner` only if it wrote it itself, since tokens are never used
//! twice and the owner clears the field before it releases. So that read needs no ordering.

use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Deref;

use lock_api::RawMutex;

use crate::sync::facade::atomic::{AtomicUsize, Ordering};
use crate::sync::facade::{UnsafeCell, thread};

const NOBODY: usize = 0;

struct Held<G> {
    depth: u32,
    guard: MaybeUninit<G>,
}

/// A value under a lock that its holder may take again.
pub struct ReentrantLock<E: RawMutex, T> {
    raw: E,
    owner: AtomicUsize,
    held: UnsafeCell<Held<E::Guard>>,
    data: T,
}

// SAFETY: `held` is touched only by the thread that holds `raw`; the guard inside is never dropped,
// only taken out by the thread that put it in. `data` is lent to one thread at a time, which needs
// `T: Send` and not `T: Sync`.
unsafe impl<E: RawMutex + Sync, T: Send> Sync for ReentrantLock<E, T> {}

// SAFETY: a lock that is moved has no living guard, or one that was forgotten and whose raw guard
// stays where it is and is never dropped.
unsafe impl<E: RawMutex + Send, T: Send> Send for ReentrantLock<E, T> {}

impl<E: RawMutex, T: fmt::Debug> fmt::Debug for ReentrantLock<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ReentrantLock");
        match self.try_lock() {
            Some(guard) => debug.field("data", &&*guard),
            None => debug.field("data", &format_args!("<locked>")),
        };
        debug.finish()
    }
}

impl<E: RawMutex, T> ReentrantLock<E, T> {
    /// Makes a free lock around `data`.
    pub const fn new(data: T) -> Self {
        Self {
            raw: E::INIT,
            owner: AtomicUsize::new(NOBODY),
            held: UnsafeCell::new(Held { depth: 0, guard: MaybeUninit::uninit() }),
            data,
        }
    }

    /// Takes the lock, at once if the calling thread holds it already.
    ///
    /// # Panics
    ///
    /// If the thread holds it 2^32 - 1 times.
    ///
    /// # Blocking
    ///
    /// As the lock underneath.
    pub fn lock(&self) -> ReentrantGuard<'_, E, T> {
        let me = thread::token();
        if self.is_held_by(me) {
            return self.deepen();
        }
        let guard = self.raw.lock();
        self.start(me, guard)
    }

    /// Takes the lock if that needs no waiting.
    ///
    /// # Panics
    ///
    /// If the thread holds it 2^32 - 1 times.
    pub fn try_lock(&self) -> Option<ReentrantGuard<'_, E, T>> {
        let me = thread::token();
        if self.is_held_by(me) {
            return Some(self.deepen());
        }
        self.raw.try_lock().map(|guard| self.start(me, guard))
    }

    /// Returns the value of a lock that nobody holds.
    pub fn into_inner(self) -> T {
        self.data
    }

    fn is_held_by(&self, me: usize) -> bool {
        // Relaxed: see the head of the file.
        self.owner.load(Ordering::Relaxed) == me
    }

    fn start(&self, me: usize, guard: E::Guard) -> ReentrantGuard<'_, E, T> {
        // Relaxed: other threads only compare it with their own token.
        self.owner.store(me, Ordering::Relaxed);
        self.held.with_mut(|held| {
            // SAFETY: this thread holds `raw`, so nobody else touches `held`.
            unsafe { *held = Held { depth: 1, guard: MaybeUninit::new(guard) } }
        });
        ReentrantGuard { lock: self, same_thread: PhantomData }
    }

    fn deepen(&self) -> ReentrantGuard<'_, E, T> {
        self.held.with_mut(|held| {
            // SAFETY: this thread holds `raw`, so nobody else touches `held`.
            let depth = unsafe { &mut (*held).depth };
            *depth = depth.checked_add(1).expect("a reentrant lock is held at most 2^32 - 1 times");
        });
        ReentrantGuard { lock: self, same_thread: PhantomData }
    }

    /// Ends one acquisition of the calling thread, which holds the lock.
    fn leave(&self) {
        let outermost = self.held.with_mut(|held| {
            // SAFETY: this thread holds `raw`, so nobody else touches `held`.
            let held = unsafe { &mut *held };
            held.depth -= 1;
            // SAFETY: `start` initialised the guard; depth 0 is reached once, so it is read once.
            (held.depth == 0).then(|| unsafe { held.guard.assume_init_read() })
        });
        if let Some(guard) = outermost {
            // Relaxed: other threads only compare it with their own token.
            self.owner.store(NOBODY, Ordering::Relaxed);
            // SAFETY: this thread holds `raw`; the guard is that of its acquisition.
            unsafe { self.raw.unlock(guard) }
        }
    }
}

/// One acquisition of a [`ReentrantLock`]; stays in its thread.
#[must_use = "the lock is released when the guard is dropped"]
pub struct ReentrantGuard<'a, E: RawMutex, T> {
    lock: &'a ReentrantLock<E, T>,
    same_thread: PhantomData<*const ()>,
}

impl<E: RawMutex, T: fmt::Debug> fmt::Debug for ReentrantGuard<'_, E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<E: RawMutex, T> Deref for ReentrantGuard<'_, E, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.lock.data
    }
}

impl<E: RawMutex, T> Drop for ReentrantGuard<'_, E, T> {
    fn drop(&mut self) {
        self.lock.leave();
    }
}

#[cfg(test)]
#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use super::*;
    use crate::sync::lock::{RawFair, RawMutex, RawSpin};

    fn elsewhere<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
        std::thread::spawn(body).join().unwrap()
    }

    macro_rules! contract {
        ($module:ident, $raw:ty) => {
            mod $module {
                use super::*;

                #[test]
                fn the_depth_is_exact() {
                    let lock = Arc::new(ReentrantLock::<$raw, _>::new(Cell::new(0)));
                    let is_free = {
                        let lock = Arc::clone(&lock);
                        move || {
                            let lock = Arc::clone(&lock);
                            elsewhere(move || lock.try_lock().is_some())
                        }
                    };
                    let first = lock.lock();
                    let second = lock.try_lock().unwrap();
                    let third = lock.lock();
                    drop(first);
                    assert!(!is_free());
                    drop(third);
                    assert!(!is_free());
                    second.set(1);
                    drop(second);
                    assert!(is_free());
                    assert_eq!(lock.lock().get(), 1);
                }

                #[test]
                fn threads_exclude_each_other_at_any_depth() {
                    const THREADS: u64 = 6;
                    const ROUNDS: u64 = 2_000;
                    let lock = ReentrantLock::<$raw, _>::new(Cell::new(0_u64));
                    std::thread::scope(|scope| {
                        for _ in 0..THREADS {
                            scope.spawn(|| {
                                for _ in 0..ROUNDS {
                                    let outer = lock.lock();
                                    let inner = lock.lock();
                                    inner.set(outer.get() + 1);
                                }
                            });
                        }
                    });
                    assert_eq!(lock.into_inner().get(), THREADS * ROUNDS);
                }
            }
        };
    }

    contract!(over_mutex, RawMutex);
    contract!(over_fair, RawFair);
    contract!(over_spin, RawSpin);

    #[test]
    fn a_forgotten_guard_does_not_pass_to_a_later_thread() {
        let lock = Arc::new(ReentrantLock::<RawMutex, _>::new(()));
        let theirs = Arc::clone(&lock);
        elsewhere(move || std::mem::forget(theirs.lock()));
        for _ in 0..8 {
            let theirs = Arc::clone(&lock);
            assert!(!elsewhere(move || theirs.try_lock().is_some()));
        }
    }
}
