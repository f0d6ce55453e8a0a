//! What messages hold that wait: for the link to a node, or for the owner of a global name.
//!
//! The network keeps each message where it waits and only counts here, so that messages for nodes
//! and names that never come do not fill the memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::message::Message;

/// All messages that wait may hold so many bytes together.
const HELD_MAX: usize = 256 << 20;

/// What a message costs beside its payload, roughly.
const COST: usize = 128;

/// How many bytes are held. The count orders nothing: each message is under the lock of its place.
#[derive(Default)]
pub(super) struct Held(AtomicUsize);

impl Held {
    /// Counts a message that is going to wait; `false` when there is no room for it.
    pub(super) fn admit(&self, message: &Message) -> bool {
        self.admit_bytes(cost(message))
    }

    /// The message waits no more.
    pub(super) fn release(&self, message: &Message) {
        self.0.fetch_sub(cost(message), Ordering::Relaxed);
    }

    fn admit_bytes(&self, bytes: usize) -> bool {
        let grown = |held: usize| held.checked_add(bytes).filter(|held| *held <= HELD_MAX);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok()
    }
}

fn cost(message: &Message) -> usize {
    message.payload.len() + COST
}

#[cfg(test)]
mod tests {
    use super::{COST, HELD_MAX, Held};
    use crate::message::{Address, Kind, Message, Session};

    #[test]
    fn nothing_more_waits_above_the_limit() {
        let held = Held::default();
        let message = Message::empty(Address::NOBODY, Session::NONE, Kind::LUA);
        assert!(held.admit_bytes(HELD_MAX - COST));
        assert!(held.admit(&message));
        assert!(!held.admit(&message));
        held.release(&message);
        assert!(held.admit(&message));
        assert!(!held.admit_bytes(usize::MAX));
    }
}
