//! What the harbor service shares with everybody who sends to other nodes: links and names.
//!
//! The lock of a link is held while a message is written, and the lock of the names while messages
//! go out that have waited for one, so that messages keep their order. The names come first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::asked::{Asked, take_back};
use super::held::Held;
use super::lines::Lines;
use super::peer::{Letter, Peer};
use crate::codec::harbor::{Label, PAYLOAD_MAX};
use crate::message::{Address, Kind, Message, Payload, Session};
use crate::net::{Bytes, Priority, SocketId};
use crate::node::{Destination, Node, Outbound};

/// Why messages to other nodes fail on a node without any.
const ALONE: &str = "this node has no harbors: the config key harbor is 0";

/// Why messages fail that had to wait.
const TOO_MANY: &str = "too many messages wait";

/// Global names are at most this long on their way out of a node.
const NAME_BYTES: usize = 16;

/// The other nodes.
pub(super) struct Network {
    service: Address,
    slave: Address,
    /// By the number of the node.
    peers: Vec<Mutex<Peer>>,
    names: Mutex<Names>,
    lines: Mutex<Lines>,
    held: Held,
}

#[derive(Default)]
struct Names {
    known: HashMap<Vec<u8>, Address>,
    waiting: HashMap<Vec<u8>, VecDeque<Message>>,
}

/// The way out of the node. The node owns it, so it must not keep the node alive.
pub(super) struct Way {
    node: Weak<Node>,
    network: Arc<Network>,
}

impl Way {
    pub(super) fn new(node: &Arc<Node>, network: &Arc<Network>) -> Self {
        Self { node: Arc::downgrade(node), network: Arc::clone(network) }
    }
}

impl Outbound for Way {
    fn send(&self, destination: Destination<'_>, message: Message) {
        let Some(node) = self.node.upgrade() else { return };
        match destination {
            Destination::Remote(to) => self.network.send(&node, to, message),
            Destination::Name(name) => self.network.send_to_name(&node, name, message),
        }
    }

    fn give_up(&self, source: Address, session: Session) {
        self.network.give_up(source, session);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Network {
    /// `alone`: there are no other nodes, and never will be.
    pub(super) fn new(service: Address, slave: Address, alone: bool) -> Self {
        let peer = |_| match alone {
            true => Peer::Down { why: ALONE.into() },
            false => Peer::Unknown { waiting: VecDeque::new() },
        };
        let peers = (0..=u8::MAX).map(peer).map(Mutex::new).collect();
        let (names, lines) = (Mutex::default(), Mutex::default());
        Self { service, slave, peers, names, lines, held: Held::default() }
    }

    /// Logs a line that somebody can cause as often as he likes: only so many get through.
    pub(super) fn log(&self, node: &Node, line: &str) {
        let Some(dropped) = lock(&self.lines).pass(node.clock().now() / 100) else { return };
        if dropped > 0 {
            node.log(self.service, format!("{dropped} more such lines").as_bytes());
        }
        node.log(self.service, line.as_bytes());
    }

    fn peer(&self, harbor: u8) -> MutexGuard<'_, Peer> {
        lock(&self.peers[usize::from(harbor)])
    }

    /// Takes a connection; `false` when the node has one already.
    pub(super) fn greet(&self, harbor: u8, socket: SocketId) -> bool {
        self.peer(harbor).greet(socket)
    }

    /// The link is up: what has waited goes out.
    pub(super) fn open(&self, node: &Node, harbor: u8) {
        let mut peer = self.peer(harbor);
        let waiting = peer.open();
        if let Peer::Up { socket, asked } = &mut *peer {
            let mut long = Vec::new();
            for letter in waiting {
                self.held.release(&letter.message);
                if !self.write(node, (*socket, asked), letter.to, &letter.message) {
                    long.push(letter);
                }
            }
            drop(peer);
            long.iter().for_each(|letter| self.refuse_long(node, letter.to, &letter.message));
        }
    }

    /// The node is gone: whoever waits for it gets an error that says why.
    pub(super) fn close(&self, node: &Node, harbor: u8, why: &str) {
        let mut peer = self.peer(harbor);
        if matches!(*peer, Peer::Down { .. }) {
            // What has happened first is the reason.
            return;
        }
        let before = std::mem::replace(&mut *peer, Peer::Down { why: why.into() });
        drop(peer);
        match before {
            Peer::Unknown { waiting } | Peer::Greeting { waiting, .. } => {
                for letter in waiting {
                    self.held.release(&letter.message);
                    self.drop_message(node, letter.to, &letter.message, why);
                }
            }
            Peer::Up { asked, .. } => {
                for (source, to, session) in asked.into_requests() {
                    self.report(node, (to, source, session), reason(to, why));
                }
            }
            Peer::Down { .. } => {}
        }
    }

    /// A service of this node does not wait for the answer to a request any more.
    pub(super) fn give_up(&self, source: Address, session: Session) {
        for peer in &self.peers {
            if let Some(letter) = lock(peer).give_up(source, session) {
                return self.held.release(&letter.message);
            }
        }
        let waiting = &mut lock(&self.names).waiting;
        let taken = waiting.values_mut().find_map(|it| take_back(it, |it| it, (source, session)));
        if let Some(message) = taken {
            self.held.release(&message);
        }
    }

    /// An answer has come from a node; `false` when nobody waits for it. A node that was asked may
    /// have passed the request on, so the answer of another one counts as well.
    pub(super) fn answered(&self, harbor: u8, to: Address, session: Session) -> bool {
        let takes = |peer: &Mutex<Peer>| match &mut *lock(peer) {
            Peer::Up { asked, .. } => asked.answered(to, session),
            _ => false,
        };
        takes(&self.peers[usize::from(harbor)]) || self.peers.iter().any(takes)
    }

    /// Sends to a service of another node.
    pub(super) fn send(&self, node: &Node, to: Address, message: Message) {
        let mut peer = self.peer(to.harbor());
        match &mut *peer {
            // Nobody there has asked by a link, so nobody hears: a peer has made the sender up.
            Peer::Unknown { .. } | Peer::Greeting { .. } if is_failure(&message) => {}
            Peer::Unknown { waiting } | Peer::Greeting { waiting, .. }
                if self.held.admit(&message) =>
            {
                waiting.push_back(Letter { to, message });
            }
            Peer::Up { socket, asked } => {
                if !self.write(node, (*socket, asked), to, &message) {
                    drop(peer);
                    self.refuse_long(node, to, &message);
                }
            }
            state => {
                let why = match state {
                    Peer::Down { why } => why.clone(),
                    _ => TOO_MANY.into(),
                };
                drop(peer);
                self.drop_message(node, to, &message, &why);
            }
        }
    }

    /// Writes a message to a link; `false` when it is too long for a frame.
    fn write(
        &self,
        node: &Node,
        (socket, asked): (SocketId, &mut Asked),
        to: Address,
        message: &Message,
    ) -> bool {
        let label = Label {
            source: message.source.bits(),
            destination: to.bits(),
            kind: message.kind.number(),
            session: message.session.number().cast_unsigned(),
        };
        let Some(frame) = label.frame(message.payload.as_bytes()) else { return false };
        let is_own = !node.is_remote(message.source);
        let lives = |source| node.scheduler().registry.with(source, |_| ()).is_some();
        asked.note(to, message, is_own, lives);
        // If the connection is gone, its end is in the mailbox of the service already.
        node.net().send(socket, Bytes::Borrowed(&frame), Priority::High);
        true
    }

    fn refuse_long(&self, node: &Node, to: Address, message: &Message) {
        let len = message.payload.len();
        let what = format!("of {len} bytes is too long, the limit is {PAYLOAD_MAX}");
        self.log(node, &format!("A message to harbor {} {what}", to.harbor()));
        self.refuse(node, to, message, reason(to, &format!("a message {what}")));
    }

    fn drop_message(&self, node: &Node, to: Address, message: &Message, why: &str) {
        let line = format!(
            "Drop message to harbor {} from {:x} to {:x} (session = {}, msgsz = {})",
            to.harbor(),
            message.source.bits(),
            to.bits(),
            message.session.number(),
            message.payload.len()
        );
        self.log(node, &line);
        self.refuse(node, to, message, reason(to, why));
    }

    /// Tells the sender of a message why it could not be delivered to `to`.
    fn refuse(&self, node: &Node, to: Address, message: &Message, text: Payload) {
        if let Some((source, error)) = message.bounce(to) {
            self.report(node, (to, source, error.session), text);
        }
    }

    /// Tells the source of a message that it does not get to the service `dead`. On another node
    /// it hears no text, and without a link nothing: such messages would wait, as many as a peer
    /// likes.
    pub(super) fn report(
        &self,
        node: &Node,
        (dead, source, session): (Address, Address, Session),
        payload: Payload,
    ) {
        if !node.is_remote(source) {
            let error = Message { source: dead, session, kind: Kind::ERROR, payload };
            // A source that is gone needs no notice.
            let _ = node.scheduler().post(source, error);
        } else if let Peer::Up { socket, asked } = &mut *self.peer(source.harbor()) {
            let error = Message::empty(dead, session, Kind::ERROR);
            self.write(node, (*socket, asked), source, &error);
        }
    }

    /// Sends to a global name; messages to a name that nobody has registered wait for it, in order.
    pub(super) fn send_to_name(&self, node: &Node, name: &[u8], message: Message) {
        let name = &name[..name.len().min(NAME_BYTES)];
        let mut names = lock(&self.names);
        if let Some(to) = names.known.get(name).copied() {
            drop(names);
            return self.route(node, to, message);
        }
        if !self.held.admit(&message) {
            drop(names);
            let name = String::from_utf8_lossy(name);
            let line = format!("Drop message to {name}: {TOO_MANY}");
            self.log(node, &line);
            let text = Payload::from(format!("name {name}: {TOO_MANY}").as_str());
            return self.refuse(node, Address::NOBODY, &message, text);
        }
        let waiting = names.waiting.entry(name.to_vec()).or_default();
        waiting.push_back(message);
        if waiting.len() == 1 {
            self.tell_slave(node, &format!("Q {}", String::from_utf8_lossy(name)));
        }
    }

    /// A name is known from now on: what has waited for it goes out, before anything else can.
    pub(super) fn register(&self, node: &Node, name: &[u8], address: Address) {
        let mut names = lock(&self.names);
        names.known.insert(name.to_vec(), address);
        for message in names.waiting.remove(name).unwrap_or_default() {
            self.held.release(&message);
            self.route(node, address, message);
        }
    }

    /// Sends to a service of this node or another one.
    fn route(&self, node: &Node, to: Address, message: Message) {
        if node.is_remote(to) {
            return self.send(node, to, message);
        }
        if let Err(message) = node.scheduler().post(to, message) {
            self.refuse(node, to, &message, Payload::EMPTY);
        }
    }

    /// Sends a line to the slave service.
    pub(super) fn tell_slave(&self, node: &Node, line: &str) {
        let (source, session) = (self.service, Session::NONE);
        let message = Message { source, session, kind: Kind::TEXT, payload: Payload::from(line) };
        // Without a slave the node is ending.
        let _ = node.scheduler().post(self.slave, message);
    }
}

/// Tells whether a message says that a request has failed.
fn is_failure(message: &Message) -> bool {
    message.kind == Kind::ERROR && message.session != Session::NONE
}

/// What an error says to the service of this node that hears of it. Errors that go to other nodes
/// have no text.
pub(super) fn reason(to: Address, why: &str) -> Payload {
    Payload::from(format!("harbor {}: {why}", to.harbor()).as_str())
}
