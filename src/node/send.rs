//! Sending: checks, addresses and names. Spec: runtime section 4.5.

use super::{Context, Destination, Node};
use crate::message::{Address, Message, Session};

/// Payloads are limited to this many bytes, as the reference's message record holds no more.
const PAYLOAD_BYTES_MAX: usize = (1 << 56) - 1;

/// Why a message was not sent. The message has been dropped.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// No such service lives on this node.
    #[error("no service at this address")]
    NoService,
    /// The payload is larger than any message may be.
    #[error("the message is too large")]
    TooLarge,
}

impl Context {
    /// Sends to an address.
    ///
    /// # Errors
    /// When nobody lives there, or the payload is too large. A service on another node counts as
    /// reached; if it is not, an ERROR message comes back.
    pub fn send(&self, to: Address, message: Message) -> Result<(), SendError> {
        if message.payload.len() > PAYLOAD_BYTES_MAX {
            self.log(&format!("error: The message to {:x} is too large", to.bits()));
            return Err(SendError::TooLarge);
        }
        if to == Address::NOBODY {
            if message.payload.is_empty() {
                return Ok(());
            }
            self.log("error: Destination address can't be 0");
            return Err(SendError::NoService);
        }
        self.node().route(to, message)
    }

    /// Sends to a name: `:hex`, `.local`, or a global name.
    ///
    /// # Errors
    /// As [`Self::send`]; also when a local name is not bound.
    pub fn send_to_name(&self, name: &[u8], message: Message) -> Result<(), SendError> {
        match name.split_first() {
            Some((b':', _)) => self.send(parse_address(name), message),
            Some((b'.', local)) => match self.node().scheduler.registry.resolve(local) {
                Some(to) => self.send(to, message),
                None => Err(SendError::NoService),
            },
            _ => {
                self.node().leave(Destination::Name(name), message);
                Ok(())
            }
        }
    }
}

impl Context {
    /// Says that this service does not wait for the answer to a request any more which it has sent
    /// to another node or a global name: nothing of it is kept.
    pub fn give_up(&self, session: Session) {
        if let Some(outbound) = self.node().outbound.get() {
            outbound.give_up(self.address(), session);
        }
    }
}

impl Node {
    /// Delivers to a mailbox of this node, or hands the message to the harbor service.
    pub(super) fn route(&self, to: Address, message: Message) -> Result<(), SendError> {
        if self.is_remote(to) {
            self.leave(Destination::Remote(to), message);
            return Ok(());
        }
        self.scheduler.post(to, message).map_err(|_| SendError::NoService)
    }

    /// Hands a message to the harbor service; without one its source gets an error.
    fn leave(&self, destination: Destination<'_>, message: Message) {
        if let Some(outbound) = self.outbound.get() {
            return outbound.send(destination, message);
        }
        self.log(message.source, b"error: no harbor service for a message to another node");
        if let Some((to, error)) = message.bounce(Address::NOBODY) {
            let _ = self.scheduler.post(to, error);
        }
    }
}

/// Reads `:hex` of bytes that need not be UTF-8.
pub(super) fn parse_address(text: &[u8]) -> Address {
    let ascii = text.iter().position(|byte| !byte.is_ascii()).unwrap_or(text.len());
    std::str::from_utf8(&text[..ascii]).ok().and_then(Address::parse).unwrap_or(Address::NOBODY)
}
