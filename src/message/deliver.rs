//! How lower layers (timer, sockets) reach a mailbox without knowing the scheduler.

use super::{Address, Message};

/// Delivers messages to services. The scheduler implements it.
pub trait Deliver: Send + Sync {
    /// Puts a message into the mailbox of `to`.
    ///
    /// # Errors
    /// Gives the message back when no such service lives on this node.
    ///
    /// # Blocking
    /// Takes the registry's lock for reading and the mailbox's lock, both for a few instructions.
    fn deliver(&self, to: Address, message: Message) -> Result<(), Message>;
}
