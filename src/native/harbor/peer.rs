//! The link to one other node, as senders see it.
//!
//! | state | what a message for that node meets | becomes |
//! |---|---|---|
//! | `Unknown` | waits | `Greeting`, `Down` |
//! | `Greeting` | waits: connected, but the other side has not said who it is | `Up`, `Down` |
//! | `Up` | is written | `Down` |
//! | `Down` | is answered with an error | `Greeting` |

use std::collections::HashMap;

use crate::message::{Address, Kind, Message, Session};
use crate::net::SocketId;

/// A message for a service of another node.
pub(super) struct Letter {
    pub(super) to: Address,
    pub(super) message: Message,
}

/// The link to one node.
pub(super) enum Peer {
    Unknown { waiting: Vec<Letter> },
    Greeting { socket: SocketId, waiting: Vec<Letter> },
    Up { socket: SocketId, asked: Asked },
    Down,
}

/// The requests that the other node has not answered.
#[derive(Default)]
pub(super) struct Asked(HashMap<(Address, Session), Address>);

impl Asked {
    /// Notes a message that is sent, if it wants an answer.
    pub(super) fn note(&mut self, to: Address, message: &Message) {
        let is_request = message.session != Session::NONE
            && !matches!(message.kind, Kind::RESPONSE | Kind::ERROR | Kind::MULTICAST);
        if is_request {
            self.0.insert((message.source, message.session), to);
        }
    }

    /// An answer has come; `false` when it is to no request that was noted here.
    pub(super) fn answered(&mut self, source: Address, session: Session) -> bool {
        self.0.remove(&(source, session)).is_some()
    }

    /// Says for each request who waits, and an error for it.
    pub(super) fn errors(self) -> impl Iterator<Item = (Address, Message)> {
        self.0
            .into_iter()
            .map(|((source, session), to)| (source, Message::empty(to, session, Kind::ERROR)))
    }
}

impl Peer {
    /// Takes a connection; `false` when there is one already.
    pub(super) fn greet(&mut self, socket: SocketId) -> bool {
        let waiting = match self {
            Peer::Unknown { waiting } => std::mem::take(waiting),
            Peer::Down => Vec::new(),
            Peer::Greeting { .. } | Peer::Up { .. } => return false,
        };
        *self = Peer::Greeting { socket, waiting };
        true
    }

    /// The other side is who it should be: returns what has waited.
    pub(super) fn open(&mut self) -> Vec<Letter> {
        let Peer::Greeting { socket, waiting } = self else { return Vec::new() };
        let (socket, waiting) = (*socket, std::mem::take(waiting));
        *self = Peer::Up { socket, asked: Asked::default() };
        waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOCKET: SocketId = SocketId::new(3);

    fn request(session: i32) -> Message {
        Message::empty(Address::new(0x0100_0008), Session::new(session), Kind::LUA)
    }

    #[test]
    fn what_waits_comes_out_in_order_when_the_link_is_up() {
        let mut peer = Peer::Unknown { waiting: Vec::new() };
        let Peer::Unknown { waiting } = &mut peer else { unreachable!() };
        for session in 1..4 {
            waiting.push(Letter { to: Address::new(0x0200_0001), message: request(session) });
        }
        assert!(peer.open().is_empty(), "it is not connected");
        assert!(peer.greet(SOCKET));
        let sessions: Vec<_> = peer.open().iter().map(|it| it.message.session.number()).collect();
        assert_eq!(sessions, [1, 2, 3]);
        assert!(matches!(peer, Peer::Up { .. }));
    }

    #[test]
    fn one_connection_at_a_time_and_a_new_one_after_the_end() {
        let mut peer = Peer::Down;
        assert!(peer.greet(SOCKET));
        assert!(!peer.greet(SOCKET));
        peer.open();
        assert!(!peer.greet(SOCKET));
        peer = Peer::Down;
        assert!(peer.greet(SOCKET));
    }

    #[test]
    fn requests_without_an_answer_fail() {
        let mut asked = Asked::default();
        let to = Address::new(0x0200_0001);
        for session in [0, 1, 2] {
            asked.note(to, &request(session));
        }
        let mut answer = request(5);
        answer.kind = Kind::RESPONSE;
        asked.note(to, &answer);
        let source = Address::new(0x0100_0008);
        assert!(asked.answered(source, Session::new(1)));
        assert!(!asked.answered(source, Session::new(1)), "it has been answered");
        assert!(!asked.answered(source, Session::new(0)), "nobody waits for it");
        let errors: Vec<_> = asked.errors().collect();
        assert_eq!(errors.len(), 1);
        let (source, error) = &errors[0];
        assert_eq!((source.bits(), error.source, error.session.number()), (0x0100_0008, to, 2));
        assert_eq!(error.kind, Kind::ERROR);
    }
}
