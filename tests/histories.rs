//! Native stress of the queues, recorded and checked as histories.
//!
//! The run queues, the mailbox, and two queues of others as controls must be linearizable
//! first-in-first-out queues; four queues that are broken on purpose must be caught. A run has
//! 200,000 operations for each queue, or as many as `IRONSKY_HISTORY_OPERATIONS` says:
//!
//! ```text
//! IRONSKY_HISTORY_OPERATIONS=10000000 cargo test --release --test histories -- --test-threads 1
//! ```

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "histories/checker.rs"]
mod checker;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Instant;

use checker::{Bad, EMPTY, Operation, check};
use crossbeam_queue::SegQueue;
use ironsky::message::{Address, Kind, Message, Session};
use ironsky::service::{Mailbox, Pushed, Taken};
use ironsky::sync::lock::{RawFair, RawMutex, RawSpin};
use ironsky::sync::{LockFreeQueue, LockedQueue, RunQueue, Selected};

const PRODUCERS: u64 = 2;
const CONSUMERS: usize = 2;

/// A queue under test.
trait Queue: Sync {
    fn push(&self, value: u64);
    fn pop(&self) -> Option<u64>;
}

/// Pushes and pops in all.
fn operations() -> u64 {
    let wanted = std::env::var("IRONSKY_HISTORY_OPERATIONS");
    wanted.map_or(200_000, |text| text.parse().expect("a number of operations"))
}

struct History {
    pushes: Vec<Operation>,
    pops: Vec<Operation>,
}

/// Times a call.
fn timed(origin: Instant, call: impl FnOnce() -> u64) -> Operation {
    let start = origin.elapsed().as_nanos() as u64;
    let value = call();
    Operation { value, start, end: origin.elapsed().as_nanos() as u64 }
}

fn produce(origin: Instant, producer: u64, values: u64, push: impl Fn(u64)) -> Vec<Operation> {
    let mine = (producer..values).step_by(PRODUCERS as usize);
    mine.map(|value| {
        timed(origin, || {
            push(value);
            value
        })
    })
    .collect()
}

/// Pops until the producers are done and the queue is empty. Remembers only so many pops that found
/// nothing: an idle consumer makes very many of them.
fn consume(
    origin: Instant,
    queue: &impl Queue,
    are_done: &AtomicBool,
    most: u64,
) -> Vec<Operation> {
    let mut pops = Vec::new();
    let mut idle = 0;
    loop {
        let were_done = are_done.load(Ordering::SeqCst);
        let pop = timed(origin, || queue.pop().unwrap_or(EMPTY));
        if pop.value == EMPTY {
            idle += 1;
            if were_done {
                pops.push(pop);
                return pops;
            }
            if idle > most {
                continue;
            }
        }
        pops.push(pop);
    }
}

fn record(queue: &impl Queue, consumers: usize) -> History {
    let values = operations() / 2;
    let origin = Instant::now();
    let are_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let are_done = &are_done;
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                scope.spawn(move || produce(origin, producer, values, |value| queue.push(value)))
            })
            .collect();
        let consumers: Vec<_> = (0..consumers)
            .map(|_| scope.spawn(move || consume(origin, queue, are_done, values)))
            .collect();
        let pushes = producers.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        are_done.store(true, Ordering::SeqCst);
        let pops = consumers.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        History { pushes, pops }
    })
}

/// Checks a history and says how long that took.
fn examine(name: &str, recorded: Instant, history: &History) -> Result<(), Bad> {
    let checking = Instant::now();
    let outcome = check(&history.pushes, &history.pops);
    println!(
        "{name}: {} pushes, {} pops, recorded in {:.1} s, checked in {:.1} s",
        history.pushes.len(),
        history.pops.len(),
        (checking - recorded).as_secs_f64(),
        checking.elapsed().as_secs_f64(),
    );
    outcome
}

#[track_caller]
fn expect_a_queue(name: &str, queue: &impl Queue, consumers: usize) {
    let start = Instant::now();
    let history = record(queue, consumers);
    if let Err(bad) = examine(name, start, &history) {
        panic!("{name} is no queue: {bad}");
    }
}

impl Queue for SegQueue<u64> {
    fn push(&self, value: u64) {
        SegQueue::push(self, value);
    }

    fn pop(&self) -> Option<u64> {
        SegQueue::pop(self)
    }
}

/// The channel of the standard library; it has one consumer.
struct Channel(mpsc::Sender<u64>, Mutex<mpsc::Receiver<u64>>);

impl Queue for Channel {
    fn push(&self, value: u64) {
        self.0.send(value).unwrap();
    }

    fn pop(&self) -> Option<u64> {
        self.1.lock().unwrap().try_recv().ok()
    }
}

struct Ours<Q>(Q);

impl<Q: RunQueue<u64>> Queue for Ours<Q> {
    fn push(&self, value: u64) {
        self.0.push(value);
    }

    fn pop(&self) -> Option<u64> {
        self.0.pop()
    }
}

#[test]
fn control_crossbeam() {
    expect_a_queue("crossbeam SegQueue", &SegQueue::new(), CONSUMERS);
}

#[test]
fn control_standard_channel() {
    let (sender, receiver) = mpsc::channel();
    expect_a_queue("std mpsc", &Channel(sender, Mutex::new(receiver)), 1);
}

#[test]
fn lock_free_run_queue() {
    expect_a_queue("lockfree", &Ours(LockFreeQueue::new()), CONSUMERS);
}

#[test]
fn run_queue_under_the_mutex() {
    expect_a_queue("locked by mutex", &Ours(LockedQueue::<RawMutex, _>::new()), CONSUMERS);
}

#[test]
fn run_queue_under_the_fair_lock() {
    expect_a_queue("locked by fair", &Ours(LockedQueue::<RawFair, _>::new()), CONSUMERS);
}

#[test]
fn run_queue_under_the_spin_lock() {
    expect_a_queue("locked by spin", &Ours(LockedQueue::<RawSpin, _>::new()), CONSUMERS);
}

/// A mailbox whose owner gets it from whoever made it ready. A batch is a run of pops at one time.
struct Owned {
    mailbox: Mailbox<Selected>,
    ready: AtomicBool,
}

impl Owned {
    fn push(&self, value: u64) {
        let (sender, number) = (value % PRODUCERS + 1, value as i32);
        let source = Address::new(sender as u32);
        let message = Message::empty(source, Session::new(number), Kind::LUA);
        if self.mailbox.push(message).unwrap() == Pushed::Ready {
            self.ready.store(true, Ordering::SeqCst);
        }
    }

    fn consume(&self, origin: Instant, are_done: &AtomicBool) -> Vec<Operation> {
        let (mut pops, mut batch) = (Vec::new(), VecDeque::new());
        loop {
            let were_done = are_done.load(Ordering::SeqCst);
            if !self.ready.swap(false, Ordering::SeqCst) {
                if were_done {
                    return pops;
                }
                std::thread::yield_now();
                continue;
            }
            while self.take(origin, &mut batch, &mut pops) {}
        }
    }

    fn take(
        &self,
        origin: Instant,
        batch: &mut VecDeque<Message>,
        pops: &mut Vec<Operation>,
    ) -> bool {
        let mut taken = Taken::Nothing;
        let take = timed(origin, || {
            taken = self.mailbox.take(batch);
            EMPTY
        });
        if taken == Taken::Nothing {
            pops.push(take);
        }
        let value = |message: Message| message.session.number() as u64;
        pops.extend(batch.drain(..).map(|message| Operation { value: value(message), ..take }));
        taken == Taken::Messages
    }
}

#[test]
fn mailbox() {
    let values = operations() / 2;
    let owned = Owned { mailbox: Mailbox::new(), ready: AtomicBool::new(true) };
    let are_done = AtomicBool::new(false);
    let origin = Instant::now();
    let history = std::thread::scope(|scope| {
        let owned = &owned;
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                scope.spawn(move || produce(origin, producer, values, |value| owned.push(value)))
            })
            .collect();
        let consumer = scope.spawn(|| owned.consume(origin, &are_done));
        let pushes = producers.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        are_done.store(true, Ordering::SeqCst);
        History { pushes, pops: consumer.join().unwrap() }
    });
    assert_eq!(examine("mailbox", origin, &history).map_err(|bad| bad.to_string()), Ok(()));
    let popped: Vec<u64> =
        history.pops.iter().map(|pop| pop.value).filter(|&value| value != EMPTY).collect();
    assert_eq!(popped.len() as u64, values, "messages are lost");
    for producer in 0..PRODUCERS {
        let of_one = popped.iter().filter(|&value| value % PRODUCERS == producer);
        assert!(of_one.is_sorted(), "the messages of sender {producer} came out of order");
    }
}

/// What is wrong with a broken queue.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// Two lanes: values pass each other.
    Lanes,
    /// Each 1,000th pop says "empty" without a look.
    Hasty,
    /// Each 1,000th value is put back although it was handed out.
    Generous,
    /// Each 1,000th value that is handed out was never pushed.
    Inventive,
}

struct Broken {
    lanes: [SegQueue<u64>; 2],
    pops: AtomicU64,
    fault: Fault,
}

impl Broken {
    fn new(fault: Fault) -> Self {
        Self { lanes: Default::default(), pops: AtomicU64::new(1), fault }
    }
}

impl Queue for Broken {
    fn push(&self, value: u64) {
        let lane = if self.fault == Fault::Lanes { value / 64 % 2 } else { 0 };
        self.lanes[lane as usize].push(value);
    }

    fn pop(&self) -> Option<u64> {
        let number = self.pops.fetch_add(1, Ordering::Relaxed);
        let is_bad = number.is_multiple_of(1_000);
        if is_bad && self.fault == Fault::Hasty && !self.lanes[0].is_empty() {
            return None;
        }
        let value = self.lanes[0].pop().or_else(|| self.lanes[1].pop())?;
        match self.fault {
            Fault::Generous if is_bad => self.lanes[0].push(value),
            Fault::Inventive if is_bad => return Some(u64::from(u32::MAX)),
            _ => {}
        }
        Some(value)
    }
}

/// All values are inside before the first pop, so nothing about the outcome depends on luck.
fn outcome_of(fault: Fault) -> Result<(), Bad> {
    const VALUES: u64 = 10_000;
    let queue = Broken::new(fault);
    let origin = Instant::now();
    let pushes = produce(origin, 0, VALUES, |value| queue.push(value));
    let pops = consume(origin, &queue, &AtomicBool::new(true), VALUES);
    check(&pushes, &pops)
}

#[test]
fn broken_queues_are_caught() {
    let is_caught = |fault, is_it: fn(&Bad) -> bool| {
        let outcome = outcome_of(fault);
        assert!(outcome.as_ref().is_err_and(is_it), "{outcome:?}");
    };
    is_caught(Fault::Lanes, |bad| matches!(bad, Bad::OutOfOrder(..)));
    is_caught(Fault::Hasty, |bad| matches!(bad, Bad::NotEmpty(..) | Bad::OutOfOrder(..)));
    is_caught(Fault::Generous, |bad| matches!(bad, Bad::Twice(_)));
    is_caught(Fault::Inventive, |bad| matches!(bad, Bad::FromNowhere(_)));
}

#[test]
fn a_broken_queue_is_caught_in_a_stress_run() {
    let history = record(&Broken::new(Fault::Lanes), CONSUMERS);
    let outcome = check(&history.pushes, &history.pops);
    assert!(matches!(outcome, Err(Bad::OutOfOrder(..))), "{outcome:?}");
}
