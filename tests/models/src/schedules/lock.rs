//! Threads that take a lock in every way it can be taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::thread;

use super::{Script, play, together};
use crate::sync::ReentrantLock;
use crate::sync::lock::{RawFair, RawMutex, RawRwFair};

const THREADS: usize = 4;

/// Who is in; of the system, so that it orders nothing in the model.
#[derive(Default)]
struct Inside {
    readers: AtomicUsize,
    writers: AtomicUsize,
}

impl Inside {
    fn read(&self) {
        self.readers.fetch_add(1, Ordering::Relaxed);
        thread::yield_now();
        assert_eq!(self.writers.load(Ordering::Relaxed), 0, "a reader meets a writer");
        self.readers.fetch_sub(1, Ordering::Relaxed);
    }

    fn write(&self) {
        assert_eq!(self.writers.fetch_add(1, Ordering::Relaxed), 0, "two writers");
        assert_eq!(self.readers.load(Ordering::Relaxed), 0, "a writer meets a reader");
        thread::yield_now();
        assert_eq!(self.readers.load(Ordering::Relaxed), 0, "a reader came in");
        self.writers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The operations of each thread: four of two bits in each of two bytes.
fn operations(script: &Script, thread: usize) -> impl Iterator<Item = u8> + use<> {
    let bytes = [script[2 * thread], script[2 * thread + 1]];
    bytes.into_iter().flat_map(|byte| [0, 2, 4, 6].map(|shift| byte >> shift & 3))
}

/// Plays an input on the phase-fair lock.
pub fn rw_fair(bytes: &[u8]) {
    play(bytes, |script| {
        let lock = Arc::new(lock_api::RwLock::<RawRwFair, _>::new(Inside::default()));
        together(
            (0..THREADS)
                .map(|thread| {
                    let (lock, operations) = (Arc::clone(&lock), operations(&script, thread));
                    Box::new(move || operations.take(3).for_each(|op| share(&lock, op))) as _
                })
                .collect(),
        );
        assert!(!lock.is_locked(), "somebody is counted who left");
    });
}

fn share(lock: &lock_api::RwLock<RawRwFair, Inside>, operation: u8) {
    match operation {
        0 => lock.read().read(),
        1 => lock.write().write(),
        2 => lock.try_read().iter().for_each(|inside| inside.read()),
        _ => lock.try_write().iter().for_each(|inside| inside.write()),
    }
}

/// Plays an input on a lock that its holder may take again, fair or not.
pub fn reentrant(bytes: &[u8]) {
    play(bytes, |script| {
        if script[SCRIPT_CHOICE] % 2 == 0 {
            reentrant_over::<RawMutex>(script);
        } else {
            reentrant_over::<RawFair>(script);
        }
    });
}

/// The byte that says whether the lock is fair.
const SCRIPT_CHOICE: usize = 2 * THREADS;

fn reentrant_over<E: lock_api::RawMutex + Send + Sync + 'static>(script: Script) {
    let lock = Arc::new(ReentrantLock::<E, _>::new(Inside::default()));
    together(
        (0..3)
            .map(|thread| {
                let (lock, operations) = (Arc::clone(&lock), operations(&script, thread));
                Box::new(move || nest(&lock, &mut operations.take(5))) as _
            })
            .collect(),
    );
    assert!(lock.try_lock().is_some(), "somebody left the lock taken");
}

/// Takes the lock as the operations say, each once more inside the one before or behind it.
fn nest<E: lock_api::RawMutex>(
    lock: &ReentrantLock<E, Inside>,
    operations: &mut dyn Iterator<Item = u8>,
) {
    while let Some(operation) = operations.next() {
        let guard = if operation & 1 == 0 { Some(lock.lock()) } else { lock.try_lock() };
        let Some(guard) = guard else { continue };
        // Every depth is alone with its thread: writers of others would be seen.
        guard.write();
        if operation & 2 != 0 {
            nest(lock, operations);
            guard.write();
        }
    }
}
