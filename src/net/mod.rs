//! Sockets: TCP, UDP and foreign descriptors, and the post of who waits for them.
//!
//! A [`Net`] belongs to a node. Services ask it for sockets and get ids; what happens to a socket
//! comes to its owner as a message of kind 6 (`message/socket.rs`). Spec: network section 1.
//!
//! Almost everything is done by the thread that asks, under the lock of the socket in question:
//! there are no requests to a poll thread. What is left is to wait, read, accept, and go on
//! writing what the kernel had no room for: *rounds*, done by whoever is the *lookout*. That is an
//! idle worker; while all workers are busy, or where there are none, it is the thread `net`, which
//! the first socket starts. Nobody wakes up while nothing happens. See [`Lookout`].
//!
//! [`Lookout`]: crate::sync::Lookout
//!
//! | file | what is in it |
//! |---|---|
//! | `slot.rs` | ids, the table, the state of a socket and its two locks |
//! | `unsent.rs` | what is not written yet, and its order |
//! | `open.rs` | listen, connect, bind |
//! | `control.rs` | start, pause, close, shutdown |
//! | `send.rs`, `turn.rs` | writing |
//! | `poll.rs` | the rounds of the lookout |
//! | `spin.rs` | how long a round looks before it blocks |
//! | `stream.rs` | what they do with streams and listeners |
//! | `udp.rs` | UDP |
//! | `grace.rs` | sockets that nobody needs any more |
//! | `resolver.rs` | looks names up for connects |
//! | `buffer.rs` | what a round reads into |
//! | `address.rs`, `sys.rs` | addresses, single system calls |

mod address;
mod buffer;
mod control;
mod grace;
mod info;
mod open;
mod poll;
mod resolver;
mod send;
mod settings;
mod slot;
mod spin;
mod stream;
mod sys;
#[cfg(test)]
mod tests;
mod turn;
mod udp;
mod unsent;

use std::io;
use std::sync::{Arc, Weak};

pub use address::{AddressError, Transport, UdpAddress, look_up, numeric, split};
pub use info::{Kind as InfoKind, SocketInfo};
pub use settings::Settings;
pub use slot::SOCKETS_MAX;
pub use turn::Turn;
pub use unsent::{Bytes, Priority};

use crate::message::{Address, Message};
use crate::sync::facade::atomic::AtomicBool;
use crate::sync::{Selected, Strategy};

/// Names a socket of a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SocketId(i32);

impl SocketId {
    /// Makes an id of its number.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub const fn number(self) -> i32 {
        self.0
    }
}

/// Why a socket could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The host is not known; the text is the system's.
    #[error("{0}")]
    Resolve(String),
    /// The system refuses.
    #[error("{0}")]
    System(#[from] io::Error),
    /// Every id is in use.
    #[error("reach skynet socket number limit")]
    Full,
    /// The port 0 is not possible here.
    #[error("Invalid port")]
    Port,
    /// There is no such socket.
    #[error("invalid socket")]
    NoSocket,
}

/// What the sockets need from the node they belong to.
pub trait Home: Send + Sync {
    /// Puts a message into a mailbox.
    ///
    /// # Errors
    /// Gives the message back when no such service lives.
    fn deliver(&self, to: Address, message: Message) -> Result<(), Message>;

    /// Calls `deliver`, which delivers several messages, and wakes workers for all of them at
    /// its end. It returns whether the calling thread goes on with the sockets before it does
    /// anything else.
    fn together(&self, deliver: &mut dyn FnMut() -> bool);

    /// Says how a thread is woken that is in [`Net::wait`]: the alarm ends the present wait, or
    /// the next one. Called before the first [`Net::claim`] that returns true.
    fn set_alarm(&self, alarm: Box<dyn Fn() + Send + Sync>);

    /// Writes a line to the service log.
    fn log(&self, source: Address, line: &str);

    /// Returns the node's time in hundredths of a second since its start.
    fn now_cs(&self) -> u64;
}

/// The sockets of a node.
pub struct Net<S: Strategy = Selected> {
    shared: Arc<Shared<S>>,
}

/// What the threads of [`Net`] share.
struct Shared<S: Strategy> {
    own: Weak<Self>,
    home: Box<dyn Home>,
    settings: Settings,
    table: slot::Table<S>,
    poller: poll::Poller<S>,
    resolver: resolver::Resolver,
    grace: grace::Grace,
    stopping: AtomicBool,
}

impl<S: Strategy> Net<S> {
    /// Makes a node's sockets: none yet, and no thread.
    pub fn new(settings: Settings, home: Box<dyn Home>) -> Self {
        let shared = Arc::new_cyclic(|own| Shared {
            own: Weak::clone(own),
            home,
            settings,
            table: slot::Table::new(),
            poller: poll::Poller::new(),
            resolver: resolver::Resolver::new(),
            grace: grace::Grace::new(),
            stopping: AtomicBool::new(false),
        });
        Self { shared }
    }

    /// Returns the settings.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Takes the post of the lookout, if it is vacant and there are sockets.
    pub fn claim(&self) -> bool {
        self.shared.poller.claim()
    }

    /// Looks whether sockets have something; with `block`, waits for it. Returns whether they
    /// have. Called by the lookout.
    ///
    /// # Blocking
    /// With `block`, until a socket has something, a deadline passes or the alarm is rung.
    pub fn wait(&self, block: bool) -> bool {
        self.shared.wait(block)
    }

    /// Reads, accepts and writes what the last [`Self::wait`] has found. Called by the lookout.
    pub fn carry_out(&self) {
        self.shared.carry_out();
    }

    /// Leaves the post of the lookout.
    pub fn release(&self) {
        self.shared.poller.release();
    }

    /// Ends the thread of the sockets and closes every socket, without writing what waits.
    ///
    /// # Blocking
    /// Until the thread has ended.
    pub fn stop(&self) {
        self.shared.stop();
    }
}

impl<S: Strategy> Drop for Net<S> {
    fn drop(&mut self) {
        self.stop();
    }
}
