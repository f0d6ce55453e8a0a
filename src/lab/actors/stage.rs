//! One run of one workload under one strategy: a scheduler with its threads, from empty to empty.
//!
//! The services see the stage as [`Node`], without its strategy: so they are compiled once, and
//! each of their calls goes through a pointer. That costs the same under every strategy.
//!
//! The clock runs from the first message to the moment when the services are told to stop; what
//! the threads used up is counted over their whole lives, which is the same but for some
//! microseconds.

use super::count::Counters;
use super::threads::Threads;
use super::workload::Workload;
use crate::lab::measure::usage::Usage;
use crate::lab::record::{Sample, Share};
use crate::lab::stats;
use crate::message::{Address, Deliver, Message, Session};
use crate::sched::{Endless, Reports, Scheduler, Settings};
use crate::service::Service;
use crate::sync::Strategy;
use crate::timer::{Clock, Timer};
use hdrhistogram::Histogram;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is to be run, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// The services and what they do.
    pub(super) workload: Workload,
    /// Worker threads.
    pub(super) workers: usize,
    /// How long.
    pub(super) duration: Duration,
    /// Whether worker n is pinned to core n modulo the cores.
    pub(super) pin: bool,
}

/// What came out.
pub(super) struct Outcome {
    /// The figures.
    pub(super) sample: Sample,
    /// The times of round trips.
    pub(super) waits: Histogram<u64>,
}

/// What services need of the node that they live in.
pub(super) trait Node: Send + Sync {
    /// Starts a service, which is made knowing its address.
    fn start(&self, make: &mut dyn FnMut(Address) -> Box<dyn Service>) -> Address;
    /// Sends; a message to a service that is gone is dropped.
    fn post(&self, to: Address, message: Message);
    /// Gives a service a name; the first binding of a name wins.
    fn name(&self, name: &[u8], address: Address);
    /// The address behind a name.
    fn resolve(&self, name: &[u8]) -> Option<Address>;
    /// Ends a service.
    fn retire(&self, address: Address);
    /// Answers after so many ticks.
    fn timeout(&self, service: Address, session: Session, ticks: u32);
}

struct Stage<S: Strategy> {
    scheduler: Scheduler<S>,
    timer: Timer<S>,
}

impl<S: Strategy> Node for Stage<S> {
    fn start(&self, make: &mut dyn FnMut(Address) -> Box<dyn Service>) -> Address {
        let cell = self.scheduler.register().expect("a workload has few services");
        self.scheduler.start(&cell, make(cell.address()));
        cell.address()
    }

    fn post(&self, to: Address, message: Message) {
        // Services come and go in some workloads; their messages go with them.
        let _ = self.scheduler.post(to, message);
    }

    fn name(&self, name: &[u8], address: Address) {
        // A name that is taken already keeps its service.
        let _ = self.scheduler.registry.name(name, address);
    }

    fn resolve(&self, name: &[u8]) -> Option<Address> {
        self.scheduler.registry.resolve(name)
    }

    fn retire(&self, address: Address) {
        self.scheduler.retire(address);
    }

    fn timeout(&self, service: Address, session: Session, ticks: u32) {
        self.timer.add(service, session, ticks);
    }
}

/// Nobody listens to the reports: long mailboxes are part of some workloads.
struct Silent;

impl Reports for Silent {
    fn overload(&self, _service: Address, _length: usize) {}
    fn endless(&self, _message: &Endless) {}
    fn panicked(&self, _service: Address, _what: &str) {}
    fn ended(&self, _left: usize) {}
}

/// Runs a workload under the strategy `S`.
pub(super) fn measure<S: Strategy>(load: &Load) -> Outcome {
    let settings = Settings {
        harbor: 0,
        workers: load.workers,
        profile: false,
        message_limit: Duration::ZERO,
    };
    let stage = Arc::new(Stage::<S> {
        scheduler: Scheduler::new(settings, Box::new(Silent)),
        timer: Timer::new(Clock::start()),
    });
    let threads = start_threads(&stage, load);
    let mut counters = Counters::new();
    let node: Arc<dyn Node> = stage.clone();
    let begin = load.workload.set_up(&node, &mut counters);
    let begun = Instant::now();
    begin();
    run_for(load.duration, &counters);
    let (handled, wall) = (counters.handled(), begun.elapsed());
    counters.stop();
    stage.scheduler.stop();
    stage.timer.stop();
    let used = threads.join();
    // Drops the services, which hold the stage and the counters.
    stage.scheduler.clear();
    outcome(&handled, wall, used, counters)
}

/// Lets the services run. A busy machine may not have run any worker yet; nothing handled says
/// nothing about a strategy, so such a round goes on for a while.
fn run_for(duration: Duration, counters: &Counters) {
    const LONGER_MAX: u32 = 1_000;
    std::thread::sleep(duration);
    for _ in 0..LONGER_MAX {
        if counters.handled().iter().any(|handled| *handled > 0) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn start_threads<S: Strategy>(stage: &Arc<Stage<S>>, load: &Load) -> Threads {
    let mut threads = Threads::default();
    for index in 0..load.workers {
        let stage = Arc::clone(stage);
        threads.spawn(load.pin.then_some(index), move || stage.scheduler.run_worker(index, None));
    }
    let watched = Arc::clone(stage);
    threads.spawn(None, move || watched.scheduler.run_watcher());
    let timed = Arc::clone(stage);
    threads.spawn(None, move || timed.timer.run(&timed.scheduler as &dyn Deliver));
    threads
}

fn outcome(handled: &[u64], wall: Duration, used: Usage, counters: Counters) -> Outcome {
    let waits = counters.into_waits();
    let share = |operations: &u64| Share { operations: *operations, ..Share::default() };
    let sample = Sample {
        wall_s: wall.as_secs_f64(),
        operations: handled.iter().sum(),
        latency: stats::latency(&waits),
        threads: handled.iter().map(share).collect(),
        jain_operations: stats::jain(handled.iter().copied()),
        cpu_s: used.cpu_ns as f64 / 1e9,
        switches: used.switches,
        futex_calls: Some(used.futex_calls),
        ..Sample::default()
    };
    Outcome { sample, waits }
}
