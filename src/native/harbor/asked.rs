//! The requests that another node has not answered: whose they are, and what becomes of them.
//!
//! An entry goes with its answer, with the end of the link, and else in two ways. Of the requests
//! whose callers have given up the youngest [`GIVEN_UP_MAX`] stay, so that a late answer is known
//! for one; those of callers that live no more are swept out when the entries have doubled. So
//! what is kept is bounded by what the callers of this node wait for.
//!
//! A request of another node that a service of this one has passed on is answered to that node,
//! past this one. So the youngest [`PASSED_ON_MAX`] are kept, answered or not: an error for a
//! request that has been answered is dropped there.

use std::collections::{HashMap, VecDeque};

use crate::message::{Address, Kind, Message, Session};

/// How many requests that were given up are known one by one. Lua services keep as many.
const GIVEN_UP_MAX: usize = 4096;

/// How many requests of other nodes are known that were passed on.
const PASSED_ON_MAX: usize = 1024;

/// Below this number entries are left alone.
const SWEPT_FROM: usize = 1024;

/// Who asked, and the session of the request.
type Request = (Address, Session);

/// The requests that wait for one node.
#[derive(Default)]
pub(super) struct Asked {
    /// With the address that was asked.
    requests: HashMap<Request, Address>,
    given_up: VecDeque<Request>,
    passed_on: VecDeque<(Request, Address)>,
    /// The number of entries at which those of dead callers are looked for.
    sweep_at: usize,
}

impl Asked {
    /// Notes a message that is sent, if it wants an answer. `is_own`: its source is of this node.
    /// `lives` tells whether such a service is still there.
    pub(super) fn note(
        &mut self,
        to: Address,
        message: &Message,
        is_own: bool,
        lives: impl Fn(Address) -> bool,
    ) {
        if !wants_answer(message) {
            return;
        }
        let request = (message.source, message.session);
        if !is_own {
            self.passed_on.push_back((request, to));
            if self.passed_on.len() > PASSED_ON_MAX {
                self.passed_on.pop_front();
            }
            return;
        }
        if self.requests.len() >= self.sweep_at.max(SWEPT_FROM) {
            self.requests.retain(|(source, _), _| lives(*source));
            self.sweep_at = 2 * self.requests.len();
        }
        self.requests.insert(request, to);
    }

    /// An answer has come; `false` when it is to no request that was noted here.
    pub(super) fn answered(&mut self, source: Address, session: Session) -> bool {
        self.requests.remove(&(source, session)).is_some()
    }

    /// The caller does not wait any more, if it asked this node at all.
    pub(super) fn give_up(&mut self, source: Address, session: Session) {
        if !self.requests.contains_key(&(source, session)) {
            return;
        }
        self.given_up.push_back((source, session));
        if self.given_up.len() > GIVEN_UP_MAX
            && let Some(oldest) = self.given_up.pop_front()
        {
            self.requests.remove(&oldest);
        }
    }

    /// Says for each request who asked, whom, and the session.
    pub(super) fn into_requests(self) -> impl Iterator<Item = (Address, Address, Session)> {
        let all = self.requests.into_iter().chain(self.passed_on);
        all.map(|((source, session), to)| (source, to, session))
    }
}

/// Tells whether a message is a request. The session of a multicast is its channel.
pub(super) fn wants_answer(message: &Message) -> bool {
    message.session != Session::NONE
        && !matches!(message.kind, Kind::RESPONSE | Kind::ERROR | Kind::MULTICAST)
}

/// Takes a request out of those that wait, in order.
pub(super) fn take_back<T>(
    waiting: &mut VecDeque<T>,
    message: impl Fn(&T) -> &Message,
    (source, session): (Address, Session),
) -> Option<T> {
    let at = waiting
        .iter()
        .map(message)
        .position(|it| (it.source, it.session) == (source, session) && wants_answer(it))?;
    waiting.remove(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: Address = Address::new(0x0100_0008);
    const CALLEE: Address = Address::new(0x0200_0001);

    fn request(session: i32) -> Message {
        Message::empty(CALLER, Session::new(session), Kind::LUA)
    }

    fn asked(sessions: impl IntoIterator<Item = i32>) -> Asked {
        let mut asked = Asked::default();
        for session in sessions {
            asked.note(CALLEE, &request(session), true, |_| true);
        }
        asked
    }

    #[test]
    fn requests_without_an_answer_are_told() {
        let mut asked = asked([0, 1, 2]);
        let mut answer = request(5);
        answer.kind = Kind::RESPONSE;
        asked.note(CALLEE, &answer, true, |_| true);
        assert!(asked.answered(CALLER, Session::new(1)));
        assert!(!asked.answered(CALLER, Session::new(1)), "it has been answered");
        assert!(!asked.answered(CALLER, Session::new(0)), "nobody waits for it");
        let left: Vec<_> = asked.into_requests().collect();
        assert_eq!(left, [(CALLER, CALLEE, Session::new(2))]);
    }

    #[test]
    fn few_requests_that_were_given_up_are_kept() {
        let many = 10 * GIVEN_UP_MAX as i32;
        let mut asked = asked(1..=many);
        for session in 1..=many {
            asked.give_up(CALLER, Session::new(session));
        }
        assert_eq!(asked.requests.len(), GIVEN_UP_MAX);
        assert!(!asked.answered(CALLER, Session::new(1)), "it is forgotten");
        assert!(asked.answered(CALLER, Session::new(many)), "a late answer is known");
    }

    #[test]
    fn requests_of_dead_callers_are_swept_out() {
        let mut asked = Asked::default();
        for n in 0..100 * SWEPT_FROM as u32 {
            let dead = Message::empty(Address::new(n), Session::new(1), Kind::LUA);
            asked.note(CALLEE, &dead, true, |_| false);
            assert!(asked.requests.len() <= SWEPT_FROM);
        }
    }

    #[test]
    fn requests_of_live_callers_stay() {
        assert_eq!(asked(1..=10 * SWEPT_FROM as i32).requests.len(), 10 * SWEPT_FROM);
    }

    #[test]
    fn the_youngest_requests_that_were_passed_on_are_kept() {
        let mut asked = Asked::default();
        for session in 1..=2 * PASSED_ON_MAX as i32 {
            asked.note(CALLEE, &request(session), false, |_| true);
        }
        assert!(!asked.answered(CALLER, Session::new(1)), "the answer goes past this node");
        let left: Vec<_> = asked.into_requests().map(|(.., session)| session.number()).collect();
        assert_eq!(left.len(), PASSED_ON_MAX);
        assert_eq!(left.last(), Some(&(2 * PASSED_ON_MAX as i32)));
    }
}
