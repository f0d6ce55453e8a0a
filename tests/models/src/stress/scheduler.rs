//! A node of services that ask and answer, sleep, and are retired while others send to them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::together;
use crate::message::{Address, Kind, Message, Session};
use crate::sched::{Endless, Reports, Scheduler, Settings};
use crate::service::{Service, ServiceCell};
use crate::sync::Selected;
use crate::timer::{Clock, Timer};

const WORKERS: usize = 3;
const ASKERS: usize = 4;

struct Quiet;

impl Reports for Quiet {
    fn overload(&self, _service: Address, _length: usize) {}
    fn endless(&self, _message: &Endless) {}
    fn panicked(&self, service: Address, what: &str) {
        panic!("{service} panicked: {what}");
    }
    fn ended(&self, _left: usize) {}
}

struct Node {
    scheduler: Scheduler<Selected>,
    timer: Timer<Selected>,
    servers: OnceLock<Vec<Address>>,
    finished: AtomicUsize,
}

/// Answers, and counts in a plain field.
struct Server(&'static Node, Address, usize);

impl Service for Server {
    fn dispatch(&mut self, message: Message) {
        self.2 += 1;
        let answer = Message::empty(self.1, message.session, Kind::RESPONSE);
        // An asker may have ended: it sends more than it waits for.
        let _ = self.0.scheduler.post(message.source, answer);
    }
}

/// Asks one server after the other; each tenth time it sleeps a tick.
struct Asker {
    node: &'static Node,
    address: Address,
    left: usize,
}

impl Service for Asker {
    fn dispatch(&mut self, _message: Message) {
        let Some(left) = self.left.checked_sub(1) else {
            self.node.finished.fetch_add(1, Ordering::SeqCst);
            self.node.scheduler.retire(self.address);
            return;
        };
        self.left = left;
        let session = Session::new(left as i32 + 1);
        if left.is_multiple_of(10) {
            return self.node.timer.add(self.address, session, 1);
        }
        let servers = self.node.servers.get().expect("set before the first message");
        let to = servers[left % servers.len()];
        let request = Message::empty(self.address, session, Kind::LUA);
        if self.node.scheduler.post(to, request).is_err() {
            // The server is gone: go on by a message to itself.
            let next = Message::empty(self.address, session, Kind::TEXT);
            let _ = self.node.scheduler.post(self.address, next);
        }
    }
}

impl Node {
    fn launch<S: Service + 'static>(
        &'static self,
        cells: &mut Vec<Arc<ServiceCell<Selected>>>,
        make: impl FnOnce(Address) -> S,
    ) -> Address {
        let cell = self.scheduler.register().expect("there are few services");
        self.scheduler.start(&cell, Box::new(make(cell.address())));
        // Kept until the end: rule 3.
        cells.push(Arc::clone(&cell));
        cell.address()
    }
}

pub(super) fn scheduler(rounds: usize) {
    let settings =
        Settings { harbor: 1, workers: WORKERS, profile: true, message_limit: Duration::ZERO };
    // Lives until the process ends: the services refer to it, and it owns them.
    let node: &'static Node = Box::leak(Box::new(Node {
        scheduler: Scheduler::new(settings, Box::new(Quiet)),
        timer: Timer::new(Clock::start()),
        servers: OnceLock::new(),
        finished: AtomicUsize::new(0),
    }));
    let mut cells = Vec::new();
    let servers: Vec<Address> =
        (0..3).map(|_| node.launch(&mut cells, |address| Server(node, address, 0))).collect();
    node.servers.set(servers.clone()).expect("set once");
    let left = rounds / 10;
    let askers: Vec<Address> = (0..ASKERS)
        .map(|_| node.launch(&mut cells, |address| Asker { node, address, left }))
        .collect();
    let mut bodies: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
    for index in 0..WORKERS {
        bodies.push(Box::new(move || node.scheduler.run_worker(index, None)));
    }
    bodies.push(Box::new(|| node.scheduler.run_watcher()));
    bodies.push(Box::new(|| node.timer.run(&node.scheduler)));
    bodies.push(Box::new(move || {
        for asker in askers {
            let go = Message::empty(Address::NOBODY, Session::NONE, Kind::TEXT);
            assert!(node.scheduler.post(asker, go).is_ok(), "it has not run yet");
        }
        while node.finished.load(Ordering::SeqCst) < ASKERS / 2 {
            std::thread::yield_now();
        }
        // The others are still asking.
        node.scheduler.retire(servers[0]);
        while node.finished.load(Ordering::SeqCst) < ASKERS {
            std::thread::yield_now();
        }
        node.scheduler.stop();
        node.timer.stop();
    }));
    together(bodies);
    node.scheduler.clear();
    assert_eq!(node.scheduler.unfinished(), 0);
}
