//! What travels between services: [`Message`] with its [`Payload`], and the identities in it.
//!
//! Every layer above uses these types. The words of skynet's API and ours map like this: handle or
//! address = [`Address`], PTYPE = [`Kind`], session = [`Session`], `msg, sz` = [`Payload`].

mod address;
mod deliver;
mod kind;
mod payload;
mod session;
pub mod socket;

pub use address::Address;
pub use deliver::Deliver;
pub use kind::Kind;
pub use payload::Payload;
pub use session::{Session, SessionCounter};

/// One message in a mailbox.
#[derive(Debug)]
pub struct Message {
    /// Who sent it; [`Address::NOBODY`] for timers and the runtime itself.
    pub source: Address,
    /// The request this belongs to; [`Session::NONE`] when no answer is expected.
    pub session: Session,
    /// What kind of message it is.
    pub kind: Kind,
    /// The bytes; their meaning depends on the kind.
    pub payload: Payload,
}

impl Message {
    /// Makes a message without payload.
    pub const fn empty(source: Address, session: Session, kind: Kind) -> Self {
        Self { source, session, kind, payload: Payload::EMPTY }
    }

    /// Returns the answer that tells the sender that this message was dropped, if it is owed one.
    ///
    /// Answers and errors are not bounced: their session number belongs to the receiver that is
    /// gone, and would hit an unrelated request of the sender.
    pub fn bounce(&self, dead: Address) -> Option<(Address, Message)> {
        let owed = self.source != Address::NOBODY
            && self.kind != Kind::RESPONSE
            && self.kind != Kind::ERROR;
        owed.then(|| (self.source, Message::empty(dead, self.session, Kind::ERROR)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_plain_sends_bounce_with_their_session() {
        for session in [0, 7] {
            let sent = Message::empty(Address::new(8), Session::new(session), Kind::LUA);
            let (to, error) = sent.bounce(Address::new(9)).expect("a request bounces");
            assert_eq!(to, Address::new(8));
            assert_eq!(error.kind, Kind::ERROR);
            assert_eq!(error.session, Session::new(session));
            assert_eq!(error.source, Address::new(9));
        }
    }

    #[test]
    fn answers_errors_and_timers_do_not_bounce() {
        for kind in [Kind::RESPONSE, Kind::ERROR] {
            let sent = Message::empty(Address::new(8), Session::new(3), kind);
            assert!(sent.bounce(Address::new(9)).is_none());
        }
        let timer = Message::empty(Address::NOBODY, Session::new(3), Kind::LUA);
        assert!(timer.bounce(Address::new(9)).is_none());
    }
}
