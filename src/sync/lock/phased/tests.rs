//! The promises of `rw_fair` and `rw_write`: who is let in, in which order, after how long.

use std::sync::atomic::AtomicU64;
use std::sync::{Barrier, Mutex};
use std::thread::{Scope, scope};

use lock_api::RawRwLock as _;

use super::*;
use crate::sync::lock::suite::until;
use crate::sync::lock::{PhaseFair, RawRwFair, WritersFirst};

const fn blocked(state: u64) -> u64 {
    state >> BLOCKED_SHIFT
}

/// A lock held by a writer, and threads that queue behind it one after the other.
struct Line<P> {
    lock: RawPhased<P>,
    served: Mutex<Vec<&'static str>>,
}

impl<P: Policy> Line<P> {
    fn new() -> Self {
        let lock = RawPhased::INIT;
        let _holder = lock.lock_exclusive();
        Self { lock, served: Mutex::new(Vec::new()) }
    }

    fn add_writer<'a>(&'a self, scope: &'a Scope<'a, '_>, name: &'static str) {
        let writers_before = writers(self.lock.look());
        scope.spawn(move || {
            let guard = self.lock.lock_exclusive();
            self.served.lock().unwrap().push(name);
            // SAFETY: this thread holds the lock.
            unsafe { self.lock.unlock_exclusive(guard) }
        });
        until("the writer waits", || writers(self.lock.look()) == writers_before + 1);
    }

    /// The reader stays in until `all_in` readers are.
    fn add_reader<'a>(&'a self, scope: &'a Scope<'a, '_>, name: &'static str, all_in: &'a Barrier) {
        let blocked_before = blocked(self.lock.look());
        scope.spawn(move || {
            let guard = self.lock.lock_shared();
            self.served.lock().unwrap().push(name);
            all_in.wait();
            // SAFETY: this thread holds a read share.
            unsafe { self.lock.unlock_shared(guard) }
        });
        until("the reader is blocked", || blocked(self.lock.look()) == blocked_before + 1);
    }

    fn open(&self) {
        // SAFETY: `new` took the lock for writing and nobody released it.
        unsafe { self.lock.unlock_exclusive(GuardNoSend::new()) }
    }

    fn served(self) -> Vec<&'static str> {
        assert!(!self.lock.is_locked());
        self.served.into_inner().unwrap()
    }
}

#[test]
fn fair_blocked_readers_go_together_before_the_next_writer() {
    let line = Line::<PhaseFair>::new();
    let all_in = Barrier::new(3);
    scope(|scope| {
        line.add_writer(scope, "w1");
        line.add_reader(scope, "r", &all_in);
        line.add_reader(scope, "r", &all_in);
        line.add_writer(scope, "w2");
        line.add_reader(scope, "r", &all_in);
        line.open();
    });
    assert_eq!(line.served(), ["r", "r", "r", "w1", "w2"]);
}

#[test]
fn write_waiting_writers_go_in_order_before_the_readers() {
    let line = Line::<WritersFirst>::new();
    let all_in = Barrier::new(2);
    scope(|scope| {
        line.add_reader(scope, "r", &all_in);
        line.add_writer(scope, "w1");
        line.add_reader(scope, "r", &all_in);
        line.add_writer(scope, "w2");
        line.open();
    });
    assert_eq!(line.served(), ["w1", "w2", "r", "r"]);
}

fn a_waiting_writer_blocks_new_readers<P: Policy>() {
    let lock = RawPhased::<P>::INIT;
    let reader = lock.lock_shared();
    scope(|scope| {
        let writer = scope.spawn(|| std::mem::forget(lock.lock_exclusive()));
        until("the writer waits", || writers(lock.look()) == 1);
        assert!(lock.try_lock_shared().is_none());
        assert!(lock.try_lock_exclusive().is_none());
        // SAFETY: this thread holds a read share.
        unsafe { lock.unlock_shared(reader) }
        until("the writer is in", || writer.is_finished());
    });
    assert!(lock.is_locked_exclusive());
}

#[test]
fn fair_a_waiting_writer_blocks_new_readers() {
    a_waiting_writer_blocks_new_readers::<PhaseFair>();
}

#[test]
fn write_a_waiting_writer_blocks_new_readers() {
    a_waiting_writer_blocks_new_readers::<WritersFirst>();
}

/// Readers and writers in a crowd, each counting what passes it while it waits.
struct Crowd<P> {
    lock: RawPhased<P>,
    writer_phases: AtomicU64,
    reader_worst: AtomicU64,
    writer_worst: AtomicU64,
}

impl<P: Policy> Crowd<P> {
    fn run(readers: u64, writers: u64, rounds: u64) -> Self {
        let crowd = Self {
            lock: RawPhased::INIT,
            writer_phases: AtomicU64::new(0),
            reader_worst: AtomicU64::new(0),
            writer_worst: AtomicU64::new(0),
        };
        scope(|scope| {
            for _ in 0..readers {
                scope.spawn(|| (0..rounds).for_each(|_| crowd.read()));
            }
            for _ in 0..writers {
                scope.spawn(|| (0..rounds).for_each(|_| crowd.write()));
            }
        });
        assert!(!crowd.lock.is_locked());
        crowd
    }

    fn read(&self) {
        let state = self.lock.look();
        if state & WRITERS == 0 || self.lock.enter_blocked(state).is_err() {
            let _guard = self.lock.lock_shared();
        } else {
            let before = self.writer_phases.load(Ordering::Relaxed);
            self.lock.wait_for_phase_after(state & PHASE);
            let passed = self.writer_phases.load(Ordering::Relaxed) - before;
            self.reader_worst.fetch_max(passed, Ordering::Relaxed);
        }
        // SAFETY: either way this thread was let in as a reader.
        unsafe { self.lock.unlock_shared(GuardNoSend::new()) }
    }

    fn write(&self) {
        let ticket = self.lock.draw_ticket();
        let before = self.writer_phases.load(Ordering::Relaxed);
        self.lock.wait_for_turn(ticket);
        let passed = self.writer_phases.fetch_add(1, Ordering::Relaxed) - before;
        self.writer_worst.fetch_max(passed, Ordering::Relaxed);
        // SAFETY: it is this thread's turn and no reader is in.
        unsafe { self.lock.unlock_exclusive(GuardNoSend::new()) }
    }
}

#[test]
fn fair_a_reader_waits_for_at_most_one_writer_phase() {
    for (readers, writers) in [(1, 1), (4, 4), (1, 6), (6, 1)] {
        let crowd = Crowd::<PhaseFair>::run(readers, writers, 3_000);
        let (reader, writer) = (crowd.reader_worst.into_inner(), crowd.writer_worst.into_inner());
        assert!(reader <= 1, "{readers} readers, {writers} writers: {reader} phases");
        assert!(writer < writers, "{readers} readers, {writers} writers: {writer} phases");
    }
}

#[test]
fn write_a_writer_waits_for_each_other_writer_at_most_once() {
    let crowd = Crowd::<WritersFirst>::run(2, 5, 3_000);
    assert!(crowd.writer_worst.into_inner() < 5);
}

#[test]
fn a_lock_full_of_readers_waits_for_one_to_leave() {
    let lock = RawRwFair::INIT;
    let full = ACTIVE_FULL / ACTIVE_ONE;
    for _ in 0..full {
        let _forgotten = lock.try_lock_shared().unwrap();
    }
    assert!(lock.try_lock_shared().is_none());
    scope(|scope| {
        let late = scope.spawn(|| std::mem::forget(lock.lock_shared()));
        assert!(!late.is_finished());
        // SAFETY: this thread took more read shares than it gives back here.
        unsafe { lock.unlock_shared(GuardNoSend::new()) }
        until("the late reader is in", || late.is_finished());
    });
    for _ in 0..full {
        // SAFETY: these are the shares taken above, less one, and that of the late reader.
        unsafe { lock.unlock_shared(GuardNoSend::new()) }
    }
    assert!(lock.try_lock_exclusive().is_some());
}

#[test]
fn more_writers_than_tickets_all_get_in() {
    let lock = RawRwFair::INIT;
    let holder = lock.lock_exclusive();
    scope(|scope| {
        for _ in 0..300 {
            scope.spawn(|| {
                let guard = lock.lock_exclusive();
                // SAFETY: this thread holds the lock.
                unsafe { lock.unlock_exclusive(guard) }
            });
        }
        until("no ticket is left", || writers(lock.look()) == TICKET);
        // SAFETY: this thread holds the lock.
        unsafe { lock.unlock_exclusive(holder) }
    });
    assert!(!lock.is_locked());
}

#[test]
fn the_word_forgets_everything_but_the_phase() {
    let crowd = Crowd::<WritersFirst>::run(3, 3, 1_000);
    assert_eq!(crowd.lock.look() & !PHASE, 0);
}
