//! A history of operations on services, mailboxes and the registry, beside a plain model of them.
//!
//! Each byte is one operation on one of eight services: launch, send, run, retire, name. The
//! model says what must come out: nothing is lost, nothing comes twice, each sender is heard in
//! order, a mailbox is in one place at a time, and addresses and names lead where they should.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs` with random histories.

use ironsky::message::{Address, Kind, Message, Session};
use ironsky::service::{Closed, NameTaken, Pushed, Registry, ServiceCell, Taken};
use ironsky::sync::Selected;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

const SERVICES: usize = 8;

/// What the model knows of a service that was launched.
struct Known {
    cell: Arc<ServiceCell<Selected>>,
    /// The sessions that were sent and neither handled nor bounced.
    pending: VecDeque<i32>,
    /// Whether the run queue has it.
    queued: bool,
    retired: bool,
    finished: bool,
    batch: VecDeque<Message>,
}

#[derive(Default)]
struct Model {
    /// The service behind each number, if it was launched.
    current: [Option<usize>; SERVICES],
    known: Vec<Known>,
    queue: VecDeque<usize>,
    names: HashMap<Vec<u8>, Address>,
    sent: i32,
    done: i32,
}

/// Plays a history; panics where the real thing and the model differ.
pub(crate) fn run(bytes: &[u8]) {
    let registry = Registry::<Selected>::new(1);
    let mut model = Model::default();
    for byte in bytes {
        let service = usize::from(byte >> 3 & 7);
        match byte & 7 {
            0 => model.launch(&registry, service),
            1..=3 => model.send(&registry, service),
            4 | 5 => model.turn(usize::from(byte >> 3)),
            6 => model.retire(&registry, service),
            _ => model.name(&registry, service, byte >> 6),
        }
        model.compare(&registry);
    }
    model.end(&registry);
}

impl Model {
    fn launch(&mut self, registry: &Registry<Selected>, service: usize) {
        if self.current[service].is_some_and(|index| !self.known[index].retired) {
            return;
        }
        let cell = registry.register().expect("there are few services");
        assert!(self.known.iter().all(|known| known.cell.address() != cell.address()));
        self.current[service] = Some(self.known.len());
        self.known.push(Known {
            cell,
            pending: VecDeque::new(),
            queued: false,
            retired: false,
            finished: false,
            batch: VecDeque::new(),
        });
        // Its creator owns it and hands it to the run queue.
        self.enqueue(self.known.len() - 1);
    }

    fn enqueue(&mut self, index: usize) {
        let known = &mut self.known[index];
        assert!(!known.queued, "a mailbox is in the run queue twice");
        assert!(!known.finished, "a finished mailbox is in the run queue");
        known.queued = true;
        self.queue.push_back(index);
    }

    fn send(&mut self, registry: &Registry<Selected>, service: usize) {
        let Some(index) = self.current[service] else { return };
        let session = self.sent + 1;
        let known = &self.known[index];
        let message = Message::empty(Address::new(1), Session::new(session), Kind::LUA);
        let found = registry.with(known.cell.address(), |cell| cell.mailbox.push(message));
        assert_eq!(found.is_none(), known.retired, "only retired services are not found");
        let Some(pushed) = found else {
            let message = Message::empty(Address::new(1), Session::new(session), Kind::LUA);
            assert!(known.cell.mailbox.push(message).is_err(), "a closed mailbox took a message");
            return;
        };
        self.sent = session;
        let is_idle = !known.queued;
        self.known[index].pending.push_back(session);
        match pushed.expect("the mailbox is open") {
            Pushed::Ready => {
                assert!(is_idle, "a mailbox that has an owner became ready");
                self.enqueue(index);
            }
            Pushed::Queued => assert!(!is_idle, "nobody will run what was pushed"),
        }
    }

    /// Takes the first mailbox of the run queue and handles up to so many messages.
    fn turn(&mut self, most: usize) {
        let Some(index) = self.queue.pop_front() else { return };
        self.known[index].queued = false;
        for _ in 0..=most {
            if self.known[index].batch.is_empty() && !self.refill(index) {
                return;
            }
            if self.known[index].retired {
                // The owner sees it after the current message and does not go on with the batch.
                break;
            }
            self.handle_one(index);
        }
        match self.known[index].retired {
            true => self.finish(index),
            false => self.enqueue(index),
        }
    }

    /// Takes the next batch. Returns false when the mailbox is no longer ours.
    fn refill(&mut self, index: usize) -> bool {
        let known = &mut self.known[index];
        match known.cell.mailbox.take(&mut known.batch) {
            Taken::Messages => {
                assert!(!known.retired && !known.batch.is_empty());
                true
            }
            Taken::Nothing => {
                assert!(!known.retired && known.pending.is_empty(), "messages are left behind");
                false
            }
            Taken::Closed => {
                assert!(known.retired);
                self.finish(index);
                false
            }
        }
    }

    fn handle_one(&mut self, index: usize) {
        let known = &mut self.known[index];
        let message = known.batch.pop_front().expect("refilled above");
        assert_eq!(Some(message.session.number()), known.pending.pop_front());
        self.done += 1;
    }

    /// Drops a closed service: what is left is what was sent and not handled, in order.
    fn finish(&mut self, index: usize) {
        let known = &mut self.known[index];
        assert!(!known.finished, "finished twice");
        known.finished = true;
        let batch = std::mem::take(&mut known.batch);
        let left = batch.into_iter().chain(known.cell.mailbox.drain());
        let left: Vec<i32> = left.map(|message| message.session.number()).collect();
        assert_eq!(left, known.pending.drain(..).collect::<Vec<_>>());
        self.done += left.len() as i32;
    }

    fn retire(&mut self, registry: &Registry<Selected>, service: usize) {
        let Some(index) = self.current[service] else { return };
        let known = &mut self.known[index];
        let removed = registry.remove(known.cell.address());
        assert_eq!(removed.is_none(), known.retired, "a service is retired once");
        if removed.is_none() {
            assert_eq!(known.cell.mailbox.close(), Closed::ByOwner);
            return;
        }
        known.retired = true;
        let address = known.cell.address();
        self.names.retain(|_, named| *named != address);
        match known.cell.mailbox.close() {
            Closed::ByOwner => assert!(known.queued, "nobody finishes it"),
            Closed::ByCaller => {
                assert!(!known.queued, "two owners");
                self.finish(index);
            }
        }
    }

    fn name(&mut self, registry: &Registry<Selected>, service: usize, number: u8) {
        let Some(index) = self.current[service].filter(|index| !self.known[*index].retired) else {
            return;
        };
        let (name, address) = (vec![number], self.known[index].cell.address());
        let expected = if self.names.contains_key(&name) { Err(NameTaken) } else { Ok(()) };
        assert_eq!(registry.name(&name, address), expected);
        self.names.entry(name).or_insert(address);
    }

    fn compare(&self, registry: &Registry<Selected>) {
        let live = self.known.iter().filter(|known| !known.retired);
        assert_eq!(registry.len(), live.clone().count());
        for known in live {
            assert!(registry.find(known.cell.address()).is_some());
            let waiting = known.batch.len() + known.cell.mailbox.len();
            assert_eq!(waiting, known.pending.len(), "{}", known.cell.address());
            assert_eq!(known.cell.mailbox.is_idle(), !known.queued);
        }
        for number in 0..4 {
            assert_eq!(registry.resolve(&[number]), self.names.get(&vec![number]).copied());
        }
    }

    /// Runs everything that waits: every message has an end.
    fn end(&mut self, registry: &Registry<Selected>) {
        (0..SERVICES).for_each(|service| self.retire(registry, service));
        while !self.queue.is_empty() {
            self.turn(usize::MAX - 1);
        }
        assert_eq!(self.done, self.sent, "a message is lost");
        assert!(self.known.iter().all(|known| known.finished), "a service is not finished");
        assert!(registry.is_empty() && registry.addresses().is_empty());
    }
}
