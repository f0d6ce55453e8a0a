//! The link to one other node, as senders see it.
//!
//! | state | what a message for that node meets | becomes |
//! |---|---|---|
//! | `Unknown` | waits | `Greeting`, `Down` |
//! | `Greeting` | waits: connected, but the other side has not said who it is | `Up`, `Down` |
//! | `Up` | is written | `Down` |
//! | `Down` | is answered with an error that says why | `Greeting` |

use std::collections::VecDeque;

use super::asked::{Asked, take_back};
use crate::message::{Address, Message, Session};
use crate::net::SocketId;

/// A message for a service of another node.
pub(super) struct Letter {
    pub(super) to: Address,
    pub(super) message: Message,
}

/// The link to one node.
pub(super) enum Peer {
    Unknown { waiting: VecDeque<Letter> },
    Greeting { socket: SocketId, waiting: VecDeque<Letter> },
    Up { socket: SocketId, asked: Asked },
    Down { why: String },
}

impl Peer {
    /// Takes a connection; `false` when there is one already.
    pub(super) fn greet(&mut self, socket: SocketId) -> bool {
        let waiting = match self {
            Peer::Unknown { waiting } => std::mem::take(waiting),
            Peer::Down { .. } => VecDeque::new(),
            Peer::Greeting { .. } | Peer::Up { .. } => return false,
        };
        *self = Peer::Greeting { socket, waiting };
        true
    }

    /// The sender of a request does not wait any more: returns the request if it waits here.
    pub(super) fn give_up(&mut self, source: Address, session: Session) -> Option<Letter> {
        match self {
            Peer::Unknown { waiting } | Peer::Greeting { waiting, .. } => {
                take_back(waiting, |letter| &letter.message, (source, session))
            }
            Peer::Up { asked, .. } => {
                asked.give_up(source, session);
                None
            }
            Peer::Down { .. } => None,
        }
    }

    /// The other side is who it should be: returns what has waited.
    pub(super) fn open(&mut self) -> VecDeque<Letter> {
        let Peer::Greeting { socket, waiting } = self else { return VecDeque::new() };
        let (socket, waiting) = (*socket, std::mem::take(waiting));
        *self = Peer::Up { socket, asked: Asked::default() };
        waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Kind;

    const SOCKET: SocketId = SocketId::new(3);

    fn down() -> Peer {
        Peer::Down { why: "closed".into() }
    }

    fn request(session: i32) -> Message {
        Message::empty(Address::new(0x0100_0008), Session::new(session), Kind::LUA)
    }

    #[test]
    fn what_waits_comes_out_in_order_when_the_link_is_up() {
        let mut peer = Peer::Unknown { waiting: VecDeque::new() };
        let Peer::Unknown { waiting } = &mut peer else { unreachable!() };
        for session in 1..4 {
            waiting.push_back(Letter { to: Address::new(0x0200_0001), message: request(session) });
        }
        assert!(peer.open().is_empty(), "it is not connected");
        assert!(peer.greet(SOCKET));
        let sessions: Vec<_> = peer.open().iter().map(|it| it.message.session.number()).collect();
        assert_eq!(sessions, [1, 2, 3]);
        assert!(matches!(peer, Peer::Up { .. }));
    }

    #[test]
    fn a_request_that_was_given_up_waits_no_more() {
        let letter = |session| Letter { to: Address::new(0x0200_0001), message: request(session) };
        let mut peer = Peer::Unknown { waiting: [0, 7, 8].map(letter).into() };
        let source = request(7).source;
        assert!(peer.give_up(source, Session::new(7)).is_some());
        assert!(peer.give_up(source, Session::new(7)).is_none());
        assert!(peer.give_up(source, Session::NONE).is_none(), "it is no request");
        assert!(peer.greet(SOCKET));
        let sessions: Vec<_> = peer.open().iter().map(|it| it.message.session.number()).collect();
        assert_eq!(sessions, [0, 8]);
    }

    #[test]
    fn one_connection_at_a_time_and_a_new_one_after_the_end() {
        let mut peer = down();
        assert!(peer.greet(SOCKET));
        assert!(!peer.greet(SOCKET));
        peer.open();
        assert!(!peer.greet(SOCKET));
        peer = down();
        assert!(peer.greet(SOCKET));
    }
}
