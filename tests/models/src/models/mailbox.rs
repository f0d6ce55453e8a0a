//! One mailbox, those who push into it, the one who owns it, and the one who closes it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{explore, together};
use crate::message::{Address, Kind, Message, Session};
use crate::service::{Closed, Mailbox, Pushed, Taken};
use crate::sync::lock::RawMutex;
use crate::sync::{LockedQueue, RunQueue, Selected};

struct Place {
    mailbox: Mailbox<Selected>,
    ready: LockedQueue<RawMutex, ()>,
    /// Counts of the system and not of the model: they must not order anything.
    accepted: AtomicUsize,
    ended: AtomicUsize,
    finished: AtomicUsize,
}

impl Place {
    /// A mailbox that is idle; its locks have been touched.
    fn new() -> Arc<Self> {
        let place = Self {
            mailbox: Mailbox::new(),
            ready: LockedQueue::new(),
            accepted: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
        };
        assert_eq!(place.mailbox.take(&mut VecDeque::new()), Taken::Nothing);
        assert!(place.ready.is_empty());
        Arc::new(place)
    }

    fn push(&self) {
        let message = Message::empty(Address::new(1), Session::new(1), Kind::LUA);
        if let Ok(pushed) = self.mailbox.push(message) {
            self.accepted.fetch_add(1, Ordering::Relaxed);
            if pushed == Pushed::Ready {
                self.ready.push(());
            }
        }
    }

    /// Runs the mailbox if it is ready, and puts it back if it may hold more.
    fn turn(&self) {
        if self.ready.pop().is_none() {
            return;
        }
        let mut batch = VecDeque::new();
        match self.mailbox.take(&mut batch) {
            Taken::Nothing => panic!("it was made ready for nothing"),
            Taken::Closed => self.finish(),
            Taken::Messages => {
                self.ended.fetch_add(batch.len(), Ordering::Relaxed);
                batch.clear();
                match self.mailbox.take(&mut batch) {
                    Taken::Nothing => {}
                    Taken::Closed => self.finish(),
                    Taken::Messages => {
                        self.ended.fetch_add(batch.len(), Ordering::Relaxed);
                        self.rest();
                    }
                }
            }
        }
    }

    /// Takes until nothing is left.
    fn rest(&self) {
        let mut batch = VecDeque::new();
        loop {
            match self.mailbox.take(&mut batch) {
                Taken::Nothing => return,
                Taken::Closed => return self.finish(),
                Taken::Messages => {
                    self.ended.fetch_add(batch.drain(..).count(), Ordering::Relaxed);
                }
            }
        }
    }

    fn close(&self) {
        if self.mailbox.close() == Closed::ByCaller {
            self.finish();
        }
    }

    fn finish(&self) {
        self.finished.fetch_add(1, Ordering::Relaxed);
        self.ended.fetch_add(self.mailbox.drain().len(), Ordering::Relaxed);
    }

    /// Everything that got in came out, and the mailbox was finished so often.
    fn expect(&self, finished: usize) {
        while !self.ready.is_empty() {
            self.turn();
        }
        let (accepted, ended) = (&self.accepted, &self.ended);
        assert_eq!(accepted.load(Ordering::Relaxed), ended.load(Ordering::Relaxed));
        assert_eq!(self.finished.load(Ordering::Relaxed), finished);
        assert!(self.mailbox.is_empty());
    }
}

#[test]
fn two_pushes_and_a_worker_lose_nothing() {
    explore(|| {
        let place = Place::new();
        together(&place, &[Place::turn, Place::push, Place::push]);
        place.expect(0);
        assert!(place.mailbox.is_idle());
    });
}

#[test]
fn a_push_beside_a_close_gets_in_or_comes_back() {
    explore(|| {
        let place = Place::new();
        together(&place, &[Place::close, Place::push]);
        place.expect(1);
    });
}

#[test]
fn a_running_mailbox_that_is_closed_is_finished_by_its_owner() {
    explore(|| {
        let place = Place::new();
        place.push();
        together(&place, &[Place::turn, Place::push, Place::close]);
        place.expect(1);
    });
}

#[test]
fn two_that_close_it_finish_it_once() {
    explore(|| {
        let place = Place::new();
        together(&place, &[Place::close, Place::close, Place::push]);
        place.expect(1);
    });
}
