//! The promises of `rw_slots`: where readers go, what a writer waits for, how long the door stays
//! closed, and that the lock underneath keeps its word.

use std::sync::Mutex;
use std::thread::scope;

use super::*;
use crate::sync::lock::suite::until;

type Lock = lock_api::RwLock<RawRwSlots, u32>;

fn raw(lock: &Lock) -> &RawRwSlots {
    // SAFETY: the tests look at the words, and change the door only while nobody else is there.
    unsafe { lock.raw() }
}

fn open() -> Lock {
    let lock = Lock::new(0);
    drop(lock.read());
    assert!(raw(&lock).is_open());
    lock
}

/// Reads until the slot of this thread is not taken by another test's thread.
fn reader_in_slot(lock: &Lock) -> lock_api::RwLockReadGuard<'_, RawRwSlots, u32> {
    loop {
        let reader = lock.read();
        if raw(lock).has_reader_in_slot() {
            return reader;
        }
    }
}

fn uses_slot(lock: &Lock) -> bool {
    let reader = lock.read();
    let is_in_slot = !raw(lock).under.is_locked();
    assert_eq!(raw(lock).has_reader_in_slot(), is_in_slot);
    drop(reader);
    is_in_slot
}

#[test]
fn the_second_reader_and_all_after_it_leave_the_lock_underneath_alone() {
    let lock = Lock::new(0);
    assert!(!uses_slot(&lock), "the first reader opens the door");
    scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| until("the slot is free of other tests", || uses_slot(&lock)));
        }
    });
    assert!(!lock.is_locked());
}

#[test]
fn a_slot_lies_in_a_line_of_its_own() {
    let [first, second, ..] = Slot::all() else { panic!("there are more slots") };
    let distance = std::ptr::from_ref(second).addr() - std::ptr::from_ref(first).addr();
    assert!(distance >= 64, "{distance} bytes apart");
}

#[test]
fn a_reader_whose_slot_is_taken_goes_underneath() {
    let lock = open();
    let first = reader_in_slot(&lock);
    assert!(!raw(&lock).under.is_locked());
    let second = lock.try_read().unwrap();
    assert!(raw(&lock).under.is_locked());
    drop(first);
    assert!(lock.try_write().is_none());
    drop(second);
    assert!(lock.try_write().is_some());
}

#[test]
fn a_writer_waits_parked_for_the_reader_in_a_slot_and_new_readers_for_the_writer() {
    let lock = open();
    let reader = reader_in_slot(&lock);
    let slot = Slot::of(raw(&lock).tenant());
    assert!(slot.is_held_by(raw(&lock).tenant()));
    scope(|scope| {
        let writer = scope.spawn(|| *lock.write() = 1);
        until("the writer is parked", || slot.is_awaited());
        assert!(!lock.is_locked_exclusive() && !writer.is_finished());
        assert!(scope.spawn(|| lock.try_read().is_none()).join().unwrap());
        drop(reader);
        until("the writer is in", || writer.is_finished());
    });
    assert_eq!(*lock.read(), 1);
}

#[test]
fn a_try_for_writing_that_meets_a_reader_leaves_the_door_open() {
    let lock = open();
    let reader = reader_in_slot(&lock);
    assert!(lock.try_write().is_none());
    assert!(!raw(&lock).try_close() && raw(&lock).is_open());
    drop(reader);
    until("the slot is free of other tests", || uses_slot(&lock));
    assert!(lock.try_write().is_some() && !raw(&lock).is_open());
}

#[test]
fn the_door_stays_closed_for_a_multiple_of_what_closing_took() {
    let lock = open();
    let began = time::nanoseconds();
    drop(lock.write());
    let ended = time::nanoseconds();
    let due = raw(&lock).door.load(Ordering::Relaxed);
    assert!(due > began && due <= ended + (ended - began) * WINDOW);
    raw(&lock).door.store(ended + 3_600_000_000_000, Ordering::Relaxed);
    assert!(!uses_slot(&lock) && !uses_slot(&lock), "it is not due");
    raw(&lock).door.store(ended, Ordering::Relaxed);
    assert!(!uses_slot(&lock), "it is due: this reader opens it");
    until("the slot is free of other tests", || uses_slot(&lock));
}

#[test]
fn blocked_readers_go_before_the_next_writer_as_underneath() {
    let lock = open();
    let served = Mutex::new(Vec::new());
    let holder = lock.write();
    scope(|scope| {
        scope.spawn(|| {
            let _writer = lock.write();
            served.lock().unwrap().push("writer");
        });
        until("the writer waits", || raw(&lock).under.present() == (2, 0));
        for readers in 1..=2 {
            scope.spawn(|| {
                let _reader = lock.read();
                served.lock().unwrap().push("reader");
            });
            until("the reader is blocked", || raw(&lock).under.present() == (2, readers));
        }
        drop(holder);
    });
    assert_eq!(served.into_inner().unwrap(), ["reader", "reader", "writer"]);
}
