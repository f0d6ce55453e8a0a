//! One service's queue, and the rule that decides who may run the service.
//!
//! Producers push from any thread. One *owner* at a time takes everything that waits and runs it
//! without the lock. Ownership is a token in the inbox:
//!
//! | `owned` | `closed` | who owns | meaning |
//! |---|---|---|---|
//! | no | no | nobody | idle, and then nothing waits |
//! | yes | no | creator, run queue or a worker | starting, queued or running |
//! | yes | yes | the same, until it looks | must be finished by its owner |
//!
//! 1. `owned` goes from no to yes in `push` (the pusher must hand the mailbox to the run queue)
//!    and in `close` (the closer must finish it). It goes back only in `take`, by the owner, when
//!    nothing waits. All under the lock, so exactly one place owns a mailbox at any time.
//! 2. Nothing is pushed once `closed` is set: the message goes back to its sender.
//! 3. Messages of one sender keep their order: they enter `waiting` in order, and a batch is taken
//!    whole and run in order before the next.
//!
//! Blocking: every method takes the mailbox's lock for a few instructions, never another lock.

use std::collections::VecDeque;

use crate::message::Message;
use crate::sync::{Mutex, Strategy, class};

/// A drained buffer larger than this is given back to the allocator.
const KEPT_CAPACITY: usize = 1024;

/// A queue of messages with one owner at a time.
pub struct Mailbox<S: Strategy> {
    inbox: Mutex<S, class::Mailbox, Inbox>,
}

struct Inbox {
    waiting: VecDeque<Message>,
    owned: bool,
    closed: bool,
}

/// What a successful push means for the pusher.
#[derive(Debug, PartialEq, Eq)]
pub enum Pushed {
    /// Nobody owned the mailbox: the pusher does now, and hands it to the run queue.
    Ready,
    /// The owner will find the message.
    Queued,
}

/// What the owner found.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// The batch has messages; the caller still owns the mailbox.
    Messages,
    /// Nothing waits; the caller does not own the mailbox any more.
    Nothing,
    /// The mailbox was closed; the caller still owns it and finishes it.
    Closed,
}

/// Who finishes a mailbox that was closed.
#[derive(Debug, PartialEq, Eq)]
pub enum Closed {
    /// Nobody owned it: the closer does now.
    ByCaller,
    /// Its owner does when it looks next (or it had been closed before).
    ByOwner,
}

impl<S: Strategy> Mailbox<S> {
    /// Makes an open mailbox that its creator owns.
    pub fn new() -> Self {
        let inbox = Inbox { waiting: VecDeque::new(), owned: true, closed: false };
        Self { inbox: Mutex::<S, class::Mailbox, _>::new(inbox) }
    }

    /// Appends a message.
    ///
    /// # Errors
    /// Gives the message back when the mailbox is closed.
    pub fn push(&self, message: Message) -> Result<Pushed, Message> {
        let mut inbox = self.inbox.lock();
        if inbox.closed {
            return Err(message);
        }
        inbox.waiting.push_back(message);
        Ok(if std::mem::replace(&mut inbox.owned, true) { Pushed::Queued } else { Pushed::Ready })
    }

    /// Swaps the owner's empty `batch` for everything that waits.
    pub fn take(&self, batch: &mut VecDeque<Message>) -> Taken {
        debug_assert!(batch.is_empty(), "the old batch is run before the next is taken");
        if batch.capacity() > KEPT_CAPACITY {
            *batch = VecDeque::new();
        }
        let mut inbox = self.inbox.lock();
        debug_assert!(inbox.owned, "only the owner takes");
        if inbox.closed {
            return Taken::Closed;
        }
        if inbox.waiting.is_empty() {
            inbox.owned = false;
            return Taken::Nothing;
        }
        std::mem::swap(&mut inbox.waiting, batch);
        Taken::Messages
    }

    /// Lets nothing more in.
    pub fn close(&self) -> Closed {
        let mut inbox = self.inbox.lock();
        if inbox.closed {
            return Closed::ByOwner;
        }
        inbox.closed = true;
        if std::mem::replace(&mut inbox.owned, true) { Closed::ByOwner } else { Closed::ByCaller }
    }

    /// Tells whether nobody owns the mailbox, so that nothing waits and nothing runs.
    pub fn is_idle(&self) -> bool {
        !self.inbox.lock().owned
    }

    /// Takes what a closed mailbox still holds; its owner calls this once.
    pub fn drain(&self) -> VecDeque<Message> {
        std::mem::take(&mut self.inbox.lock().waiting)
    }

    /// Returns how many messages wait, not counting the batch of the owner.
    pub fn len(&self) -> usize {
        self.inbox.lock().waiting.len()
    }

    /// Tells whether nothing waits, not counting the batch of the owner.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<S: Strategy> Default for Mailbox<S> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Address, Kind, Session};
    use crate::sync::Selected;

    fn message(session: i32) -> Message {
        Message::empty(Address::new(1), Session::new(session), Kind::LUA)
    }

    fn idle() -> Mailbox<Selected> {
        let mailbox = Mailbox::new();
        assert_eq!(mailbox.take(&mut VecDeque::new()), Taken::Nothing);
        mailbox
    }

    #[test]
    fn only_the_first_push_into_an_idle_mailbox_makes_it_ready() {
        let mailbox = idle();
        assert_eq!(mailbox.push(message(1)).ok(), Some(Pushed::Ready));
        assert_eq!(mailbox.push(message(2)).ok(), Some(Pushed::Queued));
    }

    #[test]
    fn messages_before_the_start_wait_for_the_creator() {
        let mailbox = Mailbox::<Selected>::new();
        assert_eq!(mailbox.push(message(1)).ok(), Some(Pushed::Queued));
        let mut batch = VecDeque::new();
        assert_eq!(mailbox.take(&mut batch), Taken::Messages);
        assert_eq!(batch.len(), 1);
    }

    #[test]
    fn a_batch_has_everything_in_order() {
        let mailbox = idle();
        for session in 1..=100 {
            mailbox.push(message(session)).expect("the mailbox is open");
        }
        let mut batch = VecDeque::new();
        assert_eq!(mailbox.take(&mut batch), Taken::Messages);
        let sessions: Vec<i32> = batch.iter().map(|m| m.session.number()).collect();
        assert_eq!(sessions, (1..=100).collect::<Vec<_>>());
        assert!(mailbox.is_empty());
    }

    #[test]
    fn a_closed_mailbox_gives_the_message_back() {
        let mailbox = idle();
        assert_eq!(mailbox.close(), Closed::ByCaller);
        let back = mailbox.push(message(9)).expect_err("the mailbox is closed");
        assert_eq!(back.session, Session::new(9));
    }

    #[test]
    fn the_owner_finishes_what_somebody_else_closed() {
        let mailbox = idle();
        mailbox.push(message(1)).expect("the mailbox is open");
        assert_eq!(mailbox.close(), Closed::ByOwner);
        assert_eq!(mailbox.close(), Closed::ByOwner);
        assert_eq!(mailbox.take(&mut VecDeque::new()), Taken::Closed);
        assert_eq!(mailbox.drain().len(), 1);
    }
}
