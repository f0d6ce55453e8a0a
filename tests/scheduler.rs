//! The scheduler alone, with real threads and services that are closures: order, fairness, reports
//! and its end, under several lock strategies. Random runs print their seed.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{DEADLINE, Fn, Random, receive, seed, wait_until};
use ironsky::message::{Address, Kind, Message, Session};
use ironsky::sched::{Endless, Reports, Scheduler, Settings};
use ironsky::sync::lock::{
    RawFair, RawMutex, RawParkingLot, RawRwFair, RawRwParkingLot, RawRwRead, RawRwWrite, RawSpin,
};
use ironsky::sync::{
    Bundle, CondvarParker, FutexParker, LockFree, Locked, Selected, Strategy, describe,
};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the scheduler reported.
#[derive(Debug, PartialEq)]
enum Report {
    Overload(Address, usize),
    Endless(Address, Address),
    Panicked(Address, String),
    Ended(usize),
}

struct Listener(Sender<Report>);

impl Listener {
    fn tell(&self, report: Report) {
        // The test may be over.
        let _ = self.0.send(report);
    }
}

impl Reports for Listener {
    fn overload(&self, service: Address, length: usize) {
        self.tell(Report::Overload(service, length));
    }

    fn endless(&self, message: &Endless) {
        self.tell(Report::Endless(message.source, message.service));
    }

    fn panicked(&self, service: Address, what: &str) {
        self.tell(Report::Panicked(service, what.to_owned()));
    }

    fn ended(&self, left: usize) {
        self.tell(Report::Ended(left));
    }
}

/// A scheduler with its threads; dropping it ends them.
struct Lab<S: Strategy> {
    scheduler: Arc<Scheduler<S>>,
    reports: Receiver<Report>,
    threads: Vec<JoinHandle<()>>,
}

impl<S: Strategy> Lab<S> {
    /// Makes a scheduler for `workers`; none of them runs yet.
    fn at_rest(workers: usize) -> Self {
        let (reports, heard) = channel();
        let settings =
            Settings { harbor: 0, workers, profile: true, message_limit: Duration::ZERO };
        let scheduler = Arc::new(Scheduler::new(settings, Box::new(Listener(reports))));
        Self { scheduler, reports: heard, threads: Vec::new() }
    }

    /// Makes a scheduler whose workers run.
    fn new(workers: usize) -> Self {
        let mut lab = Self::at_rest(workers);
        for index in 0..workers {
            lab.run_worker(index);
        }
        lab.run_watcher();
        lab
    }

    fn run_worker(&mut self, index: usize) {
        let scheduler = Arc::clone(&self.scheduler);
        self.threads.push(std::thread::spawn(move || scheduler.run_worker(index, None)));
    }

    fn run_watcher(&mut self) {
        let scheduler = Arc::clone(&self.scheduler);
        self.threads.push(std::thread::spawn(move || scheduler.run_watcher()));
    }

    /// Starts a service.
    fn start(&self, handle: impl FnMut(Message) + Send + 'static) -> Address {
        start(&self.scheduler, handle)
    }

    fn post(&self, to: Address, session: usize) {
        self.scheduler.post(to, message(Address::NOBODY, session)).unwrap();
    }

    fn stop(&mut self) {
        self.scheduler.stop();
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
        self.scheduler.clear();
    }
}

impl<S: Strategy> Drop for Lab<S> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

fn start<S: Strategy>(
    scheduler: &Scheduler<S>,
    handle: impl FnMut(Message) + Send + 'static,
) -> Address {
    let cell = scheduler.register().unwrap();
    scheduler.start(&cell, Box::new(Fn(handle)));
    cell.address()
}

fn message(source: Address, session: usize) -> Message {
    Message::empty(source, Session::new(session as i32), Kind::TEXT)
}

/// Runs a test under every lock, with each parker and run queue among them.
macro_rules! under_every_strategy {
    ($($name:ident),+ $(,)?) => {
        mod selected { $(#[test] fn $name() { super::$name::<super::Selected>() })+ }
        mod mutex { $(#[test] fn $name() { super::$name::<super::Mutexes>() })+ }
        mod spin { $(#[test] fn $name() { super::$name::<super::Spins>() })+ }
        mod fair { $(#[test] fn $name() { super::$name::<super::Fairs>() })+ }
        mod foreign { $(#[test] fn $name() { super::$name::<super::Foreign>() })+ }
    };
}

type Mutexes = Bundle<RawMutex, RawRwFair, Locked<RawMutex>, FutexParker>;
type Spins = Bundle<RawSpin, RawRwRead, Locked<RawSpin>, CondvarParker>;
type Fairs = Bundle<RawFair, RawRwWrite, LockFree, FutexParker>;
type Foreign = Bundle<RawParkingLot, RawRwParkingLot, LockFree, CondvarParker>;

under_every_strategy! {
    each_sender_is_heard_in_order,
    nothing_is_lost_in_a_storm,
    a_busy_worker_does_not_keep_what_it_made_ready,
    what_is_left_at_the_end_is_dropped,
}

/// The last number that each receiver heard of each sender; complains about every other order.
#[derive(Default)]
struct Order {
    last: Mutex<HashMap<(Address, Address), i32>>,
    complaints: Mutex<Vec<String>>,
    heard: AtomicUsize,
}

impl Order {
    fn hear(&self, receiver: Address, message: &Message) {
        let key = (message.source, receiver);
        let number = message.session.number();
        let last = self.last.lock().unwrap().insert(key, number).unwrap_or(0);
        if number != last + 1 {
            self.complaints.lock().unwrap().push(format!("{key:?}: {number} after {last}"));
        }
        self.heard.fetch_add(1, Ordering::Relaxed);
    }
}

/// Services that pass messages on at random: each pair of them counts its messages.
fn each_sender_is_heard_in_order<S: Strategy>() {
    const SERVICES: usize = 12;
    const MESSAGES: usize = 20_000;
    let seed = seed();
    let lab = Lab::<S>::new(6);
    let order = Arc::new(Order::default());
    let addresses = Arc::new(Mutex::new(Vec::new()));
    let budget = Arc::new(AtomicUsize::new(MESSAGES));
    for index in 0..SERVICES {
        let (order, budget) = (Arc::clone(&order), Arc::clone(&budget));
        let (all, scheduler) = (Arc::clone(&addresses), Arc::downgrade(&lab.scheduler));
        let mut random = Random::new(seed + index as u64);
        let mut sent = HashMap::new();
        let address = lab.start(move |message| {
            let own = Address::new(index as u32 + 1);
            if message.source != Address::NOBODY {
                order.hear(own, &message);
            }
            // One in, one or two out, until the budget is spent: bursts and lulls.
            for _ in 0..=random.below(2) {
                let spent = |left: usize| left.checked_sub(1);
                if budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent).is_err() {
                    return;
                }
                let to: Address = all.lock().unwrap()[random.below(SERVICES)];
                let number = sent.entry(to).or_insert(0usize);
                *number += 1;
                let message = self::message(own, *number);
                scheduler.upgrade().unwrap().post(to, message).unwrap();
            }
        });
        assert_eq!(address, Address::new(index as u32 + 1));
        addresses.lock().unwrap().push(address);
    }
    for address in addresses.lock().unwrap().iter() {
        lab.post(*address, 0);
    }
    wait_until(|| order.heard.load(Ordering::Relaxed) == MESSAGES);
    assert_eq!(*order.complaints.lock().unwrap(), [""; 0], "under {}", S::NAME);
}

/// Every request is answered or bounced, once, while services come and go.
fn nothing_is_lost_in_a_storm<S: Strategy>() {
    const ROUNDS: usize = 3_000;
    let seed = seed();
    let mut random = Random::new(seed);
    let mut lab = Lab::<S>::new(4);
    let back = Arc::new(Mutex::new(vec![0u8; ROUNDS + 1]));
    let returned = Arc::new(AtomicUsize::new(0));
    let (back_of, returned_of) = (Arc::clone(&back), Arc::clone(&returned));
    let asker = lab.start(move |message| {
        assert!(matches!(message.kind, Kind::RESPONSE | Kind::ERROR));
        back_of.lock().unwrap()[message.session.number() as usize] += 1;
        returned_of.fetch_add(1, Ordering::Relaxed);
    });
    let mut answerers = Vec::new();
    let mut sent = 0;
    for session in 1..=ROUNDS {
        match random.below(10) {
            0..=1 => answerers.push(start_answerer(&lab.scheduler)),
            2 if !answerers.is_empty() => {
                let dead = answerers.swap_remove(random.below(answerers.len()));
                // It may have retired itself already.
                lab.scheduler.retire(dead);
            }
            _ if answerers.is_empty() => {}
            _ => {
                let to = answerers[random.below(answerers.len())];
                sent += usize::from(lab.scheduler.post(to, message(asker, session)).is_ok());
            }
        }
    }
    wait_until(|| returned.load(Ordering::Relaxed) >= sent);
    lab.stop();
    let counts = back.lock().unwrap();
    assert_eq!(counts.iter().map(|count| usize::from(*count)).sum::<usize>(), sent);
    assert!(counts.iter().all(|count| *count <= 1), "answered twice, under {}", S::NAME);
    assert_eq!(lab.scheduler.unfinished(), 0);
}

/// Answers, but every now and then retires itself instead.
fn start_answerer<S: Strategy>(scheduler: &Arc<Scheduler<S>>) -> Address {
    let cell = scheduler.register().unwrap();
    let (own, node) = (cell.address(), Arc::downgrade(scheduler));
    let answer = move |message: Message| {
        let node = node.upgrade().unwrap();
        if message.session.number() % 97 == 0 {
            node.retire(own);
        }
        let answer = Message::empty(own, message.session, Kind::RESPONSE);
        let _ = node.post(message.source, answer);
    };
    scheduler.start(&cell, Box::new(Fn(answer)));
    own
}

/// A handler that waits for what it has just sent to somebody else: another worker runs that.
fn a_busy_worker_does_not_keep_what_it_made_ready<S: Strategy>() {
    let lab = Lab::<S>::new(2);
    let (reply, replied) = channel();
    let helper = lab.start(move |_| reply.send(()).unwrap());
    let (done, finished) = channel();
    let scheduler = Arc::downgrade(&lab.scheduler);
    let asker = lab.start(move |_| {
        scheduler.upgrade().unwrap().post(helper, message(Address::NOBODY, 0)).unwrap();
        receive(&replied);
        done.send(()).unwrap();
    });
    for _ in 0..50 {
        lab.post(asker, 0);
        receive(&finished);
    }
}

/// Services that are never idle do not keep the scheduler from ending.
fn what_is_left_at_the_end_is_dropped<S: Strategy>() {
    let mut lab = Lab::<S>::new(3);
    let alive = Arc::new(());
    let turns = Arc::new(AtomicUsize::new(0));
    for _ in 0..10 {
        let (alive, turns) = (Arc::clone(&alive), Arc::clone(&turns));
        let cell = lab.scheduler.register().unwrap();
        let (own, scheduler) = (cell.address(), Arc::downgrade(&lab.scheduler));
        let busy = move |message| {
            let _ = &alive;
            turns.fetch_add(1, Ordering::Relaxed);
            let _ = scheduler.upgrade().unwrap().post(own, message);
        };
        lab.scheduler.start(&cell, Box::new(Fn(busy)));
        lab.post(own, 0);
    }
    wait_until(|| turns.load(Ordering::Relaxed) > 1000);
    lab.stop();
    assert_eq!(Arc::strong_count(&alive), 1, "a service is left under {}", S::NAME);
    assert_eq!(lab.scheduler.unfinished(), 0);
    assert!(lab.scheduler.registry.is_empty());
}

/// A thread of the application's starts a service while the workers have ended already.
#[test]
fn a_service_that_starts_during_the_end_ends_once() {
    let lab = Lab::<Selected>::at_rest(1);
    let (given_up, late) = (lab.scheduler.register().unwrap(), lab.scheduler.register().unwrap());
    lab.scheduler.clear();
    lab.scheduler.abandon(&given_up);
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let handle = move |_| {
        let _ = &held;
    };
    lab.scheduler.start(&late, Box::new(Fn(handle)));
    assert_eq!(Arc::strong_count(&alive), 1, "the late service is left");
    let reports: Vec<Report> = lab.reports.try_iter().collect();
    assert_eq!(reports, [Report::Ended(1), Report::Ended(0)]);
}

/// Fills the mailboxes of services that note their turns, runs one worker until all is done, and
/// returns the order. `sizes` has the number of messages of each service.
fn turns_of(worker: usize, sizes: &[usize]) -> Vec<usize> {
    let mut lab = Lab::<Selected>::at_rest(worker + 1);
    let turns = Arc::new(Mutex::new(Vec::new()));
    for (index, size) in sizes.iter().enumerate() {
        let turns = Arc::clone(&turns);
        let address = lab.start(move |_| turns.lock().unwrap().push(index));
        (0..*size).for_each(|session| lab.post(address, session));
    }
    let total: usize = sizes.iter().sum();
    lab.run_worker(worker);
    wait_until(|| turns.lock().unwrap().len() == total);
    lab.stop();
    let turns = turns.lock().unwrap();
    turns.clone()
}

/// Shortens the order to runs: which service, how many messages in a row.
fn runs_of(worker: usize, sizes: &[usize]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for service in turns_of(worker, sizes) {
        match runs.last_mut() {
            Some((last, count)) if *last == service => *count += 1,
            _ => runs.push((service, 1)),
        }
    }
    runs
}

#[test]
fn the_first_workers_take_turns_of_one_message() {
    assert_eq!(turns_of(0, &[4, 4, 2]), [0, 1, 2, 0, 1, 2, 0, 1, 0, 1]);
}

#[test]
fn a_flooded_service_does_not_delay_another() {
    let turns = turns_of(3, &[10_000, 1]);
    assert!(turns.iter().position(|service| *service == 1).unwrap() <= 1);
}

#[test]
fn later_workers_take_longer_turns() {
    // The share counts what waits behind the first message; the first is handled in any case.
    assert_eq!(runs_of(8, &[101, 1])[..2], [(0, 50), (1, 1)]);
    assert_eq!(runs_of(16, &[101, 1])[..2], [(0, 25), (1, 1)]);
    assert_eq!(runs_of(24, &[101, 1])[..2], [(0, 12), (1, 1)]);
}

/// Two services that only talk to each other share a worker with a third.
#[test]
fn a_pair_does_not_keep_a_worker_to_itself() {
    let mut lab = Lab::<Selected>::at_rest(1);
    let rounds = Arc::new(AtomicUsize::new(0));
    let scheduler = Arc::downgrade(&lab.scheduler);
    let cells = [(); 2].map(|()| lab.scheduler.register().unwrap());
    let [first, second] = [cells[0].address(), cells[1].address()];
    for (cell, other) in cells.iter().zip([second, first]) {
        let (scheduler, rounds) = (scheduler.clone(), Arc::clone(&rounds));
        let pass_on = move |message| {
            rounds.fetch_add(1, Ordering::Relaxed);
            let _ = scheduler.upgrade().unwrap().post(other, message);
        };
        lab.scheduler.start(cell, Box::new(Fn(pass_on)));
    }
    let (noted, seen) = channel();
    let rounds_of = Arc::clone(&rounds);
    let third = lab.start(move |_| noted.send(rounds_of.load(Ordering::Relaxed)).unwrap());
    lab.post(first, 0);
    lab.post(third, 0);
    lab.run_worker(0);
    let before = receive(&seen);
    assert!(before <= 64, "the third service waited for {before} messages of the pair");
    lab.stop();
}

#[test]
fn an_overload_is_reported_once_for_each_doubling() {
    let mut lab = Lab::<Selected>::at_rest(1);
    let (handled, count) = channel();
    let flooded = lab.start(move |message| handled.send(message.session.number()).unwrap());
    (0..5000).for_each(|session| lab.post(flooded, session));
    lab.run_worker(0);
    (0..5000).for_each(|session| assert_eq!(receive(&count), session));
    lab.stop();
    let reports: Vec<Report> = lab.reports.try_iter().collect();
    assert_eq!(reports, [Report::Overload(flooded, 4999), Report::Ended(0)]);
}

#[test]
fn a_mailbox_of_the_threshold_is_no_overload() {
    let mut lab = Lab::<Selected>::at_rest(1);
    let (handled, count) = channel();
    let full = lab.start(move |_| handled.send(()).unwrap());
    (0..1025).for_each(|session| lab.post(full, session));
    lab.run_worker(0);
    (0..1025).for_each(|_| receive(&count));
    lab.stop();
    assert_eq!(lab.reports.try_iter().collect::<Vec<_>>(), [Report::Ended(0)]);
}

/// Takes 5 to 10 seconds: the watcher looks every 5 seconds.
#[test]
fn a_handler_that_does_not_return_is_reported() {
    let lab = Lab::<Selected>::new(2);
    let (release, released) = channel::<()>();
    let stuck = lab.start(move |_| receive(&released));
    lab.scheduler.post(stuck, message(Address::new(99), 0)).unwrap();
    let report = lab.reports.recv_timeout(DEADLINE).unwrap();
    assert_eq!(report, Report::Endless(Address::new(99), stuck));
    let stats = |cell: &Arc<ironsky::service::ServiceCell<Selected>>| cell.stats.take_endless();
    assert_eq!(lab.scheduler.registry.with(stuck, stats), Some(true));
    assert_eq!(lab.scheduler.registry.with(stuck, stats), Some(false));
    release.send(()).unwrap();
}

#[test]
fn panics_on_all_workers_at_once_are_caught() {
    let lab = Lab::<Selected>::new(4);
    let mut expected = Vec::new();
    for number in 0..40 {
        let service = lab.start(move |_| panic!("number {number}"));
        lab.post(service, 0);
        expected.push((service, format!("number {number}")));
    }
    let mut panicked = Vec::new();
    while panicked.len() < expected.len() {
        if let Report::Panicked(service, what) = receive(&lab.reports) {
            panicked.push((service, what));
        }
    }
    panicked.sort();
    expected.sort();
    assert_eq!(panicked, expected);
    wait_until(|| lab.scheduler.unfinished() == 0);
}

#[test]
fn the_selected_strategy_is_the_one_that_is_shown() {
    let shown = describe().to_string();
    for part in ["lock ", "rwlock ", "queue "] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    let names: Vec<&str> = Selected::NAME.split('+').collect();
    assert!(names[..3].iter().all(|name| shown.contains(name)), "{names:?} is not in {shown}");
}
