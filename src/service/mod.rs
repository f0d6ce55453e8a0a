//! Services as the scheduler sees them: the [`Service`] trait, mailboxes, and the registry that
//! finds a service by its address or name.

mod cell;
mod mailbox;
mod registry;
mod stats;

pub use cell::{Body, Recorder, ServiceCell, Signals};
pub use mailbox::{Closed, Mailbox, Pushed, Taken};
pub use registry::{NameTaken, Registry, RegistryFull};
pub use stats::Stats;

use crate::message::Message;

/// Something that handles messages, one at a time.
///
/// A service never runs on two threads at once, but may move between threads from message to
/// message. It is dropped when it has retired, on whichever thread held it last.
pub trait Service: Send {
    /// Handles one message.
    ///
    /// A panic retires the service: whoever waits for it gets an error.
    ///
    /// # Blocking
    /// The worker does nothing else meanwhile; a handler that blocks takes a worker away.
    fn dispatch(&mut self, message: Message);
}
