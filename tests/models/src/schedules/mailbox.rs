//! Senders, workers and a closer at one mailbox: nothing is lost, nothing comes twice, one worker
//! at a time, each sender in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Script, play, together};
use crate::message::{Address, Kind, Message, Session};
use crate::service::{Closed, Mailbox, Pushed, Taken};
use crate::sync::lock::RawMutex;
use crate::sync::{LockedQueue, RunQueue, Selected};

const SENDERS: usize = 2;

struct Place {
    mailbox: Mailbox<Selected>,
    ready: LockedQueue<RawMutex, ()>,
    /// Of the system, as all below: they must not order anything in the model.
    inside: AtomicBool,
    sent: AtomicUsize,
    handled: AtomicUsize,
    heard: [AtomicUsize; SENDERS],
    finished: AtomicBool,
}

/// Plays an input.
pub fn mailbox(bytes: &[u8]) {
    play(bytes, body);
}

fn body(script: Script) {
    let place = Arc::new(Place {
        mailbox: Mailbox::new(),
        ready: LockedQueue::new(),
        inside: AtomicBool::new(false),
        sent: AtomicUsize::new(0),
        handled: AtomicUsize::new(0),
        heard: Default::default(),
        finished: AtomicBool::new(false),
    });
    // Its creator owns a mailbox, and hands it to the run queue.
    place.ready.push(());
    let mut bodies: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
    for (sender, messages) in script[..SENDERS].iter().enumerate() {
        let (place, messages) = (Arc::clone(&place), usize::from(messages % 4));
        bodies.push(Box::new(move || (1..=messages).for_each(|n| place.send(sender, n))));
    }
    for turns in &script[SENDERS..SENDERS + 2] {
        let (place, turns) = (Arc::clone(&place), turns % 8);
        bodies.push(Box::new(move || (0..turns).for_each(|_| place.turn())));
    }
    let closes = script[SENDERS + 2] % 2 == 1;
    if closes {
        let place = Arc::clone(&place);
        bodies.push(Box::new(move || place.close()));
    }
    together(bodies);
    while !place.ready.is_empty() {
        place.turn();
    }
    assert_eq!(place.finished.load(Ordering::Relaxed), closes, "a closed mailbox is finished");
    let (sent, handled) = (&place.sent, &place.handled);
    assert_eq!(sent.load(Ordering::Relaxed), handled.load(Ordering::Relaxed), "messages are lost");
    assert!(closes || place.mailbox.is_idle(), "nobody owns it, and nobody will");
}

impl Place {
    fn send(&self, sender: usize, number: usize) {
        let session = Session::new(number as i32);
        let message = Message::empty(Address::new(sender as u32 + 1), session, Kind::LUA);
        match self.mailbox.push(message) {
            Ok(pushed) => {
                self.sent.fetch_add(1, Ordering::Relaxed);
                if pushed == Pushed::Ready {
                    self.ready.push(());
                }
            }
            Err(_) => assert!(!self.mailbox.is_idle(), "an open mailbox takes messages"),
        }
    }

    fn turn(&self) {
        if self.ready.pop().is_none() {
            return;
        }
        let mut batch = VecDeque::new();
        let taken = self.mailbox.take(&mut batch);
        // After `Nothing` the mailbox may be another worker's already.
        if taken == Taken::Nothing {
            return;
        }
        assert!(!self.inside.swap(true, Ordering::Relaxed), "two workers own the mailbox");
        shuttle::thread::yield_now();
        batch.iter().for_each(|message| self.handle(message));
        if taken == Taken::Closed {
            self.finish();
        }
        self.inside.store(false, Ordering::Relaxed);
        if taken == Taken::Messages {
            self.ready.push(());
        }
    }

    fn handle(&self, message: &Message) {
        let heard = &self.heard[message.source.bits() as usize - 1];
        let number = message.session.number() as usize;
        assert!(heard.swap(number, Ordering::Relaxed) < number, "out of order, or twice");
        self.handled.fetch_add(1, Ordering::Relaxed);
    }

    fn close(&self) {
        if self.mailbox.close() == Closed::ByCaller {
            self.finish();
        }
    }

    fn finish(&self) {
        assert!(!self.finished.swap(true, Ordering::Relaxed), "finished twice");
        self.mailbox.drain().iter().for_each(|message| self.handle(message));
    }
}
