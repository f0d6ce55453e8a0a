//! The pattern of the mailbox over the parts of `sync`: a lock, a flag that says whether the
//! mailbox is on the run queue, and the queue. No message is lost, and one thread owns the mailbox
//! at a time.

use std::sync::Arc;

use super::{Guarded, explore, together};
use crate::sync::lock::RawMutex;
use crate::sync::queue::{LockedQueue, RunQueue};

struct Mailbox {
    inbox: lock_api::Mutex<RawMutex, Inbox>,
    ready: LockedQueue<RawMutex, ()>,
    /// Touched only by the one whose turn it is.
    handled: Guarded,
}

#[derive(Default)]
struct Inbox {
    waiting: u32,
    is_scheduled: bool,
}

impl Mailbox {
    fn new() -> Arc<Self> {
        let mailbox = Self {
            inbox: lock_api::Mutex::new(Inbox::default()),
            ready: LockedQueue::new(),
            handled: Guarded::new(),
        };
        assert!(!mailbox.inbox.is_locked() && mailbox.ready.is_empty());
        Arc::new(mailbox)
    }

    fn send(&self) {
        let mut inbox = self.inbox.lock();
        inbox.waiting += 1;
        let was_scheduled = std::mem::replace(&mut inbox.is_scheduled, true);
        drop(inbox);
        if !was_scheduled {
            self.ready.push(());
        }
    }

    /// Takes one turn if the mailbox is ready: handles one message, then puts it back or rests.
    fn turn(&self) -> bool {
        if self.ready.pop().is_none() {
            return false;
        }
        self.inbox.lock().waiting -= 1;
        self.handled.add_one();
        let mut inbox = self.inbox.lock();
        inbox.is_scheduled = inbox.waiting > 0;
        if inbox.is_scheduled {
            self.ready.push(());
        }
        true
    }

    fn turns(&self) {
        while self.turn() {}
    }

    fn send_and_turn(&self) {
        self.send();
        self.turns();
    }
}

#[test]
fn nothing_is_lost_and_one_thread_owns_the_mailbox() {
    explore(|| {
        let mailbox = Mailbox::new();
        together(&mailbox, &[Mailbox::send_and_turn, Mailbox::send_and_turn, Mailbox::turns]);
        mailbox.turns();
        assert_eq!(mailbox.handled.get(), 2);
        assert!(mailbox.ready.is_empty() && !mailbox.inbox.lock().is_scheduled);
    });
}
