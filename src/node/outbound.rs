//! The way out of the node: messages to other nodes and to global names. Spec: runtime 4.6.

use crate::message::{Address, Message, Session};

/// Whom a message that leaves this layer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination<'a> {
    /// A service of another node.
    Remote(Address),
    /// A global name: no dot, no colon in front. At most 16 bytes.
    Name(&'a [u8]),
}

/// Carries messages that no mailbox of this node takes. The harbor service implements it.
pub trait Outbound: Send + Sync {
    /// Takes a message over. What cannot be delivered is answered with an ERROR to its source,
    /// whose payload is a text that says why.
    ///
    /// # Blocking
    /// Called on the sender's thread; must not wait.
    fn send(&self, destination: Destination<'_>, message: Message);

    /// The service `source` does not wait for the answer to a request any more.
    fn give_up(&self, source: Address, session: Session);
}
