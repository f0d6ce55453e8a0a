//! The workloads: which services there are, and what they send each other.
//!
//! | workload | services | a round trip |
//! |---|---|---|
//! | `pair` | one that calls, one that answers | the call |
//! | `pairs` | 64 of both | the call |
//! | `fan-in` | 16 that send 31 messages and call once, one that answers | the call, behind the rest |
//! | `fan-out` | one that calls 16 others at once | until the last answer |
//! | `ring` | 64, which pass on 8 messages | once around |
//! | `mixed` | 16 pairs; each call looks a name up, some start, name and end a service or wait for the timer | the call |

use super::count::{Counter, Counters};
use super::stage::Node;
use crate::message::{Address, Kind, Message, Session};
use crate::service::Service;
use std::sync::Arc;

/// A workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Workload {
    Pair,
    Pairs,
    FanIn,
    FanOut,
    Ring,
    Mixed,
}

/// Sends the first messages.
type Begin = Box<dyn FnOnce()>;

impl Workload {
    pub(super) const ALL: &[Self] =
        &[Self::Pair, Self::Pairs, Self::FanIn, Self::FanOut, Self::Ring, Self::Mixed];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Pairs => "pairs",
            Self::FanIn => "fan-in",
            Self::FanOut => "fan-out",
            Self::Ring => "ring",
            Self::Mixed => "mixed",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Pair => "One service calls another",
            Self::Pairs => "64 pairs of services call",
            Self::FanIn => "16 services send to one",
            Self::FanOut => "One service calls 16 others",
            Self::Ring => "64 services in a ring pass on 8 messages",
            Self::Mixed => "16 pairs with names, timers and services that come and go",
        }
    }

    /// Makes the services.
    pub(super) fn set_up(self, node: &Arc<dyn Node>, counters: &mut Counters) -> Begin {
        match self {
            Self::Pair => pairs(node, counters, 1, 0),
            Self::Pairs => pairs(node, counters, 64, 0),
            Self::FanIn => fan_in(node, counters),
            Self::FanOut => fan_out(node, counters),
            Self::Ring => ring(node, counters),
            Self::Mixed => mixed(node, counters),
        }
    }
}

/// A call carries a session, so that it is answered.
const CALL: Session = Session::new(1);
/// What the timer answers with.
const TIMEOUT: Session = Session::new(2);

/// Posts the first message to each of these.
fn begin_with(node: &Arc<dyn Node>, services: Vec<Address>) -> Begin {
    let node = Arc::clone(node);
    Box::new(move || {
        for service in services {
            node.post(service, Message::empty(Address::NOBODY, CALL, Kind::RESPONSE));
        }
    })
}

/// Answers calls.
struct Echo {
    node: Arc<dyn Node>,
    own: Address,
    counter: Counter,
}

impl Service for Echo {
    fn dispatch(&mut self, message: Message) {
        if self.counter.handle() && message.session != Session::NONE {
            let answer = Message::empty(self.own, message.session, Kind::RESPONSE);
            self.node.post(message.source, answer);
        }
    }
}

fn start_echo(node: &Arc<dyn Node>, counters: &mut Counters) -> Address {
    let mut counter = Some(counters.add());
    node.start(&mut |own| {
        let counter = counter.take().expect("a service is made once");
        Box::new(Echo { node: Arc::clone(node), own, counter })
    })
}

/// Calls again when it is answered, with some plain sends before each call.
struct Caller {
    node: Arc<dyn Node>,
    own: Address,
    to: Address,
    sends: u32,
    counter: Counter,
}

impl Service for Caller {
    fn dispatch(&mut self, _answer: Message) {
        self.counter.arrive();
        if !self.counter.handle() {
            return;
        }
        self.counter.depart();
        for _ in 0..self.sends {
            self.node.post(self.to, Message::empty(self.own, Session::NONE, Kind::TEXT));
        }
        self.node.post(self.to, Message::empty(self.own, CALL, Kind::TEXT));
    }
}

fn start_caller(node: &Arc<dyn Node>, counters: &mut Counters, to: Address, sends: u32) -> Address {
    let mut counter = Some(counters.add());
    node.start(&mut |own| {
        let counter = counter.take().expect("a service is made once");
        Box::new(Caller { node: Arc::clone(node), own, to, sends, counter })
    })
}

fn pairs(node: &Arc<dyn Node>, counters: &mut Counters, count: usize, sends: u32) -> Begin {
    let pair = |_| {
        let echo = start_echo(node, counters);
        start_caller(node, counters, echo, sends)
    };
    begin_with(node, (0..count).map(pair).collect())
}

/// Senders wait for an answer after every window, so that the mailbox stays short enough.
fn fan_in(node: &Arc<dyn Node>, counters: &mut Counters) -> Begin {
    let echo = start_echo(node, counters);
    let senders = (0..16).map(|_| start_caller(node, counters, echo, 31)).collect();
    begin_with(node, senders)
}

/// Calls all others at once, again when all have answered.
struct Source {
    node: Arc<dyn Node>,
    own: Address,
    to: Vec<Address>,
    missing: usize,
    counter: Counter,
}

impl Service for Source {
    fn dispatch(&mut self, _answer: Message) {
        let goes_on = self.counter.handle();
        self.missing = self.missing.saturating_sub(1);
        if self.missing > 0 || !goes_on {
            return;
        }
        self.counter.arrive();
        self.counter.depart();
        self.missing = self.to.len();
        for to in &self.to {
            self.node.post(*to, Message::empty(self.own, CALL, Kind::TEXT));
        }
    }
}

fn fan_out(node: &Arc<dyn Node>, counters: &mut Counters) -> Begin {
    let mut to: Vec<Address> = (0..16).map(|_| start_echo(node, counters)).collect();
    let mut counter = Some(counters.add());
    let source = node.start(&mut |own| {
        let counter = counter.take().expect("a service is made once");
        let to = std::mem::take(&mut to);
        Box::new(Source { node: Arc::clone(node), own, to, missing: 0, counter })
    });
    begin_with(node, vec![source])
}

/// Passes on what it gets. The first one measures how long a message takes around.
struct Link {
    node: Arc<dyn Node>,
    own: Address,
    next: Address,
    measures: bool,
    counter: Counter,
}

const LINKS: usize = 64;
const TOKENS: i32 = 8;

/// A link's first message comes in the name of the next link.
const INTRODUCTION: Kind = Kind::SYSTEM;

impl Service for Link {
    fn dispatch(&mut self, message: Message) {
        if message.kind == INTRODUCTION {
            self.next = message.source;
            return;
        }
        if !self.counter.handle() {
            return;
        }
        // One of the messages is watched: the laps of others would mix with its own.
        if self.measures && message.session.number() == 1 {
            self.counter.arrive();
            self.counter.depart();
        }
        self.node.post(self.next, Message::empty(self.own, message.session, Kind::TEXT));
    }
}

fn start_link(node: &Arc<dyn Node>, counters: &mut Counters, measures: bool) -> Address {
    let mut counter = Some(counters.add());
    node.start(&mut |own| {
        let counter = counter.take().expect("a service is made once");
        let next = Address::NOBODY;
        Box::new(Link { node: Arc::clone(node), own, next, measures, counter })
    })
}

fn ring(node: &Arc<dyn Node>, counters: &mut Counters) -> Begin {
    let links: Vec<_> = (0..LINKS).map(|index| start_link(node, counters, index == 0)).collect();
    for (index, link) in links.iter().enumerate() {
        let next = links[(index + 1) % LINKS];
        node.post(*link, Message::empty(next, Session::NONE, INTRODUCTION));
    }
    let node = Arc::clone(node);
    Box::new(move || {
        for (link, token) in links.iter().step_by(LINKS / TOKENS as usize).zip(1..=TOKENS) {
            node.post(*link, Message::empty(Address::NOBODY, Session::new(token), Kind::TEXT));
        }
    })
}

/// Calls by name; now and then starts, names and ends a service, or sleeps for a tick.
struct Mixer {
    node: Arc<dyn Node>,
    own: Address,
    name: Vec<u8>,
    calls: u32,
    guest: Option<Address>,
    counter: Counter,
}

/// One call in so many has a service come or go: starting services is rarer than calling them.
const GUEST_EVERY: u32 = 64;
/// One call in so many is a wait for the timer.
const TIMEOUT_EVERY: u32 = 1_000;

impl Service for Mixer {
    fn dispatch(&mut self, _answer: Message) {
        self.counter.arrive();
        if !self.counter.handle() {
            return;
        }
        self.calls += 1;
        if self.calls.is_multiple_of(TIMEOUT_EVERY) {
            return self.node.timeout(self.own, TIMEOUT, 1);
        }
        if self.calls.is_multiple_of(GUEST_EVERY) {
            self.change_guest();
        }
        if let Some(to) = self.node.resolve(&self.name) {
            self.counter.depart();
            self.node.post(to, Message::empty(self.own, CALL, Kind::TEXT));
        }
    }
}

impl Mixer {
    fn change_guest(&mut self) {
        match self.guest.take() {
            Some(guest) => self.node.retire(guest),
            None => {
                let guest = self.node.start(&mut |_| Box::new(Guest));
                let name = [b"guest of ", self.name.as_slice()].concat();
                self.node.name(&name, guest);
                self.guest = Some(guest);
            }
        }
    }
}

/// Does nothing.
struct Guest;

impl Service for Guest {
    fn dispatch(&mut self, _message: Message) {}
}

fn mixed(node: &Arc<dyn Node>, counters: &mut Counters) -> Begin {
    let mut callers = Vec::new();
    for index in 0..16 {
        let name = format!("echo {index}").into_bytes();
        let echo = start_echo(node, counters);
        node.name(&name, echo);
        let mut counter = Some(counters.add());
        callers.push(node.start(&mut |own| {
            let counter = counter.take().expect("a service is made once");
            let (node, name) = (Arc::clone(node), name.clone());
            Box::new(Mixer { node, own, name, calls: 0, guest: None, counter })
        }));
    }
    begin_with(node, callers)
}
