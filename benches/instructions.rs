//! Question: how many instructions does a lock, a mailbox or a registry take when nobody waits?
//!
//! Counted by callgrind, so the numbers are exact and repeat, on a busy machine too: each own
//! number has a hard limit, and the run fails when it is passed. They say nothing about time (an
//! atomic read-modify-write is one instruction) and nothing about waiting; see `locks.rs`.
//!
//! Run it with `.ci/run instructions`, which installs what it needs. A count is that of a thousand
//! rounds with the loop around them, and some dozens for the call.

#![allow(missing_docs, reason = "gungraun's macros make public items")]

use std::collections::VecDeque;
use std::hint::black_box;

use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use ironsky::message::{Address, Kind, Message, Session};
use ironsky::service::{Mailbox, Registry, Taken};
use ironsky::sync::lock::{
    RawFair, RawMutex, RawParkingLot, RawRwFair, RawRwParkingLot, RawRwRead, RawRwSlots,
    RawRwWrite, RawSpin, RawSpinCrate,
};
use ironsky::sync::{Mutex, Optimistic, RwLock, Selected, class};

const ROUNDS: u64 = 1_000;

/// What a benchmark may take around its rounds.
const AROUND: u64 = 100;

/// What an acquisition may take more where the build has counters, which are off here.
const COUNTERS: u64 = if cfg!(feature = "lock-stats") { 8 } else { 0 };

/// At most so many instructions a round.
fn limit(instructions: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, instructions * ROUNDS + AROUND)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

fn lock<E: lock_api::RawMutex>(lock: &lock_api::Mutex<E, u64>) {
    let lock = black_box(lock);
    for _ in 0..ROUNDS {
        *lock.lock() += 1;
    }
}

fn read<R: lock_api::RawRwLock>(lock: &lock_api::RwLock<R, u64>) {
    let lock = black_box(lock);
    for _ in 0..ROUNDS {
        black_box(*lock.read());
    }
}

fn write<R: lock_api::RawRwLock>(lock: &lock_api::RwLock<R, u64>) {
    let lock = black_box(lock);
    for _ in 0..ROUNDS {
        *lock.write() += 1;
    }
}

/// A lock of the selected strategy, as the runtime declares them.
type Chosen = Mutex<Selected, class::Application, u64>;
type ChosenShared = RwLock<Selected, class::Application, u64>;

/// A strategy costs nothing by construction: this compiles only if the types are the same. (With
/// `lock-stats` they are not, and the limits allow for it.)
#[cfg(not(feature = "lock-stats"))]
const _: () = {
    use ironsky::sync::Strategy;

    type Exclusive = <Selected as Strategy>::Exclusive;
    type Shared = <Selected as Strategy>::Shared;
    const fn exclusive(chosen: &Chosen) -> &lock_api::Mutex<Exclusive, u64> {
        chosen
    }
    const fn shared(chosen: &ChosenShared) -> &lock_api::RwLock<Shared, u64> {
        chosen
    }
    let _ = (exclusive, shared);
};

macro_rules! exclusive_benches {
    ($($name:ident: $lock:ty $(, at most $limit:expr)?;)+) => { $(
        #[library_benchmark$((config = limit($limit)))?]
        fn $name() {
            static LOCK: $lock = <$lock>::new(0);
            lock(&LOCK);
        }
    )+ };
}

macro_rules! shared_benches {
    ($($name:ident: $run:ident $lock:ty $(, at most $limit:expr)?;)+) => { $(
        #[library_benchmark$((config = limit($limit)))?]
        fn $name() {
            static LOCK: $lock = <$lock>::new(0);
            $run(&LOCK);
        }
    )+ };
}

exclusive_benches! {
    exclusive_mutex: lock_api::Mutex<RawMutex, u64>, at most 12;
    exclusive_fair: lock_api::Mutex<RawFair, u64>, at most 12;
    exclusive_spin: lock_api::Mutex<RawSpin, u64>, at most 8;
    exclusive_chosen: Chosen, at most 12 + COUNTERS;
    exclusive_parking_lot: lock_api::Mutex<RawParkingLot, u64>;
    exclusive_spin_crate: lock_api::Mutex<RawSpinCrate, u64>;
}

shared_benches! {
    read_rw_fair: read lock_api::RwLock<RawRwFair, u64>, at most 16;
    read_rw_slots: read lock_api::RwLock<RawRwSlots, u64>, at most 28;
    read_rw_read: read lock_api::RwLock<RawRwRead, u64>, at most 16;
    read_rw_write: read lock_api::RwLock<RawRwWrite, u64>, at most 16;
    read_chosen: read ChosenShared, at most 28 + COUNTERS;
    read_parking_lot: read lock_api::RwLock<RawRwParkingLot, u64>;
    write_rw_fair: write lock_api::RwLock<RawRwFair, u64>, at most 16;
    write_rw_slots: write lock_api::RwLock<RawRwSlots, u64>, at most 20;
    write_rw_read: write lock_api::RwLock<RawRwRead, u64>, at most 12;
    write_rw_write: write lock_api::RwLock<RawRwWrite, u64>, at most 16;
    write_parking_lot: write lock_api::RwLock<RawRwParkingLot, u64>;
}

#[library_benchmark]
fn exclusive_std() {
    static LOCK: std::sync::Mutex<u64> = std::sync::Mutex::new(0);
    let lock = black_box(&LOCK);
    for _ in 0..ROUNDS {
        *lock.lock().expect("no section panics") += 1;
    }
}

#[library_benchmark]
fn read_std() {
    static LOCK: std::sync::RwLock<u64> = std::sync::RwLock::new(0);
    let lock = black_box(&LOCK);
    for _ in 0..ROUNDS {
        black_box(*lock.read().expect("no section panics"));
    }
}

#[library_benchmark]
fn write_std() {
    static LOCK: std::sync::RwLock<u64> = std::sync::RwLock::new(0);
    let lock = black_box(&LOCK);
    for _ in 0..ROUNDS {
        *lock.write().expect("no section panics") += 1;
    }
}

#[library_benchmark(config = limit(12))]
fn read_optimistic() {
    static WORDS: Optimistic<RawMutex, 1> = Optimistic::new([0]);
    let words = black_box(&WORDS);
    for _ in 0..ROUNDS {
        black_box(words.read());
    }
}

fn message() -> Message {
    Message::empty(Address::new(1), Session::new(1), Kind::LUA)
}

/// A mailbox whose buffers have grown already.
fn mailbox() -> (Mailbox<Selected>, VecDeque<Message>) {
    let (mailbox, mut batch) = (Mailbox::new(), VecDeque::new());
    for _ in 0..2 {
        assert!(mailbox.push(message()).is_ok());
        assert_eq!(mailbox.take(&mut batch), Taken::Messages);
        batch.clear();
    }
    (mailbox, batch)
}

#[library_benchmark(config = limit(200 + 2 * COUNTERS))]
#[bench::one_by_one(mailbox())]
fn mailbox_push_and_take((mailbox, mut batch): (Mailbox<Selected>, VecDeque<Message>)) {
    for _ in 0..ROUNDS {
        black_box(mailbox.push(black_box(message())).is_ok());
        black_box(mailbox.take(&mut batch));
        batch.clear();
    }
}

fn registry() -> (Registry<Selected>, Address) {
    let registry = Registry::new(0);
    let address = registry.register().expect("there is room").address();
    (registry, address)
}

#[library_benchmark(config = limit(68 + 2 * COUNTERS))]
#[bench::one_service(registry())]
fn registry_look_up((registry, address): (Registry<Selected>, Address)) {
    for _ in 0..ROUNDS {
        black_box(registry.with(black_box(address), |cell| cell.is_retired()));
    }
}

library_benchmark_group!(
    name = exclusive,
    benchmarks = [
        exclusive_mutex,
        exclusive_fair,
        exclusive_spin,
        exclusive_chosen,
        exclusive_parking_lot,
        exclusive_spin_crate,
        exclusive_std
    ]
);
library_benchmark_group!(
    name = shared,
    benchmarks = [
        read_rw_fair,
        read_rw_slots,
        read_rw_read,
        read_rw_write,
        read_chosen,
        read_parking_lot,
        read_std,
        read_optimistic,
        write_rw_fair,
        write_rw_slots,
        write_rw_read,
        write_rw_write,
        write_parking_lot,
        write_std
    ]
);
library_benchmark_group!(name = messages, benchmarks = [mailbox_push_and_take, registry_look_up]);
main!(library_benchmark_groups = [exclusive, shared, messages]);
