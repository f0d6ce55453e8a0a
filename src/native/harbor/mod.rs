//! The harbor service: carries messages between the nodes of a network, and knows the global names.
//! Spec: cluster sections H.4 to H.6.
//!
//! The slave service (`cslave`, or `cdummy` on a node that is alone) makes the connections and
//! hands them over here. A message for another node does not pass this service: its sender writes
//! it to the connection (`network.rs`). What comes in does.
//!
//! | file | what is in it |
//! |---|---|
//! | `mod.rs` | the service: commands of the slave, bytes of the other nodes |
//! | `network.rs` | what senders and the service share: the way out, names |
//! | `lines.rs` | how many lines other nodes may cause in the log |
//! | `asked.rs` | the requests that another node has not answered |
//! | `held.rs` | what messages hold that wait for a node or a name |
//! | `peer.rs` | the state of the link to one other node |

mod asked;
mod held;
mod lines;
mod network;
mod peer;

use std::collections::HashMap;
use std::sync::Arc;

use self::network::{Network, Way, reason};
use crate::codec::harbor::{Label, Stream};
use crate::message::socket::{Event, Opened};
use crate::message::{Address, Kind, Message, Payload, Session};
use crate::net::{Bytes, Priority, SocketId};
use crate::node::{Context, StartError};
use crate::service::Service;

const DATA: i32 = Event::Data as i32;
const CLOSE: i32 = Event::Close as i32;
const ERROR: i32 = Event::Error as i32;
const WARNING: i32 = Event::Warning as i32;

/// The longest name that can be registered, in bytes.
const NAME_MAX: usize = 15;

/// The service.
pub(super) struct Harbor {
    context: Context,
    network: Arc<Network>,
    /// Connections that were handed over.
    links: HashMap<SocketId, Link>,
}

/// What the service knows of a connection.
struct Link {
    harbor: u8,
    /// The other side has said who it is.
    greeted: bool,
    stream: Stream,
}

impl Harbor {
    /// Becomes the node's way out. Launched as `harbor <number of the node> <slave>`.
    pub(super) fn start(
        context: &Context,
        args: Option<&[u8]>,
    ) -> Result<Box<dyn Service>, StartError> {
        let slave = parse(args.unwrap_or_default())
            .ok_or_else(|| StartError("the service harbor needs a number and an address".into()))?;
        let node = context.node();
        let alone = node.harbor() == 0;
        let network = Arc::new(Network::new(context.address(), slave, alone));
        node.set_outbound(Box::new(Way::new(node, &network)));
        // The node ends although this service lives.
        node.scheduler().exempt(context.address());
        Ok(Box::new(Self { context: context.clone(), network, links: HashMap::new() }))
    }

    /// A line of the slave service.
    fn command(&mut self, line: &[u8], source: Address) {
        let text = String::from_utf8_lossy(line);
        match line.split_first() {
            Some((b'N', [b' ', name @ ..])) => self.register(name, source),
            Some((b'S' | b'A', _)) => match parse_link(&text) {
                Some((socket, harbor)) => self.hand_over(socket, harbor, line[0] == b'A'),
                None => self.context.log(&format!("Invalid command {text}")),
            },
            Some((b'D', _)) => match text[1..].trim().parse() {
                Ok(harbor) => self.leave(harbor),
                Err(_) => self.context.log(&format!("Invalid command {text}")),
            },
            _ => self.context.log(&format!("Unknown command {text}")),
        }
    }

    /// `N name`: the name belongs to the source of the command from now on.
    fn register(&self, name: &[u8], address: Address) {
        let node = self.context.node();
        if !(1..=NAME_MAX).contains(&name.len()) {
            let name = String::from_utf8_lossy(name);
            return self.network.log(node, &format!("Invalid global name {name}"));
        }
        self.network.register(node, name, address);
    }

    /// A connection to another node: `accepted` when that node has made it and said its number.
    fn hand_over(&mut self, socket: SocketId, harbor: u8, accepted: bool) {
        let node = self.context.node();
        if !self.network.greet(harbor, socket) {
            self.network.log(node, &format!("Harbor {harbor} alreay exist"));
            self.tell_slave_lost(harbor, socket);
            return node.net().close(socket);
        }
        node.net().start(self.context.address(), socket);
        node.net().send(socket, Bytes::Borrowed(&[node.harbor()]), Priority::High);
        let link = Link { harbor, greeted: accepted, stream: Stream::default() };
        self.links.insert(socket, link);
        if accepted {
            self.network.open(self.context.node(), harbor);
        }
    }

    /// The slave says that a node has gone.
    fn leave(&mut self, harbor: u8) {
        let node = self.context.node();
        for (socket, _) in self.links.extract_if(|_, link| link.harbor == harbor) {
            node.net().close(socket);
        }
        self.network.close(node, harbor, "the master says that it is gone");
    }

    fn socket(&mut self, opened: &Opened) {
        let record = opened.record();
        let socket = SocketId::new(record.id);
        match record.event {
            DATA => self.data(socket, opened.data.as_bytes()),
            CLOSE => self.lost(socket, "closed by the peer"),
            ERROR => self.lost(socket, &String::from_utf8_lossy(record.text)),
            WARNING if record.ud > 0 => {
                let line = "message queue of harbor socket";
                self.context.log(&format!("{line} {} holds {} KiB", record.id, record.ud));
            }
            _ => {}
        }
    }

    fn data(&mut self, socket: SocketId, bytes: &[u8]) {
        let Some(mut link) = self.links.remove(&socket) else { return };
        match self.take(socket, &mut link, bytes) {
            Ok(()) => drop(self.links.insert(socket, link)),
            Err(why) => {
                self.context.node().net().close(socket);
                self.tell_lost(link.harbor, socket, why);
            }
        }
    }

    /// Handles what has come in. The connection has to be closed when it is wrong.
    fn take(
        &self,
        socket: SocketId,
        link: &mut Link,
        mut bytes: &[u8],
    ) -> Result<(), &'static str> {
        if let (false, Some((number, rest))) = (link.greeted, bytes.split_first()) {
            if *number != link.harbor {
                self.context.log(&format!(
                    "Invalid shakehand id ({}) from fd = {} , harbor = {number}",
                    link.harbor,
                    socket.number()
                ));
                return Err("another harbor answers at its address");
            }
            link.greeted = true;
            self.network.open(self.context.node(), link.harbor);
            bytes = rest;
        }
        link.stream.push(bytes);
        loop {
            match link.stream.next_frame() {
                Ok(Some((label, payload))) => self.deliver(link.harbor, label, payload),
                Ok(None) => return Ok(()),
                Err(_) => {
                    let line = format!("Message is too long from harbor {}", link.harbor);
                    self.context.log(&line);
                    return Err("the connection was closed: the length of a message was wrong");
                }
            }
        }
    }

    /// A message of another node.
    fn deliver(&self, harbor: u8, label: Label, payload: &[u8]) {
        let node = self.context.node();
        let to = Address::new(u32::from(node.harbor()) << 24 | label.destination);
        let kind = Kind::new(label.kind);
        let (source, session) =
            (Address::new(label.source), Session::new(label.session.cast_signed()));
        if matches!(kind, Kind::SYSTEM | Kind::HARBOR | Kind::SOCKET) {
            // These are spoken inside a node only.
            let line = format!("Dropped a message of type {} from harbor {harbor}", label.kind);
            return self.network.log(node, &line);
        }
        let is_answer = matches!(kind, Kind::RESPONSE | Kind::ERROR) && session != Session::NONE;
        if is_answer && !self.network.answered(harbor, to, session) {
            let line =
                format!("Dropped an answer of harbor {harbor} to no request of :{:08x}", to.bits());
            return self.network.log(node, &line);
        }
        let payload = match kind {
            // It has no text, which would be shown as that of this service.
            Kind::ERROR if is_answer => reason(source, &format!("{source} failed or is not there")),
            Kind::ERROR => Payload::EMPTY,
            _ => Payload::copy_of(payload),
        };
        let message = Message { source, session, kind, payload };
        if node.scheduler().post(to, message).is_err() {
            let (dead, from) = (to.bits(), source.bits());
            let line = format!("Unknown destination :{dead:x} from :{from:x} type({})", label.kind);
            self.network.log(node, &line);
            if kind != Kind::ERROR {
                self.network.report(node, (to, source, session), Payload::EMPTY);
            }
        }
    }

    fn lost(&mut self, socket: SocketId, why: &str) {
        if let Some(link) = self.links.remove(&socket) {
            self.context.log(&format!("Connection to harbor {} is lost: {why}", link.harbor));
            self.context.node().net().close(socket);
            self.tell_lost(link.harbor, socket, &format!("the connection was lost: {why}"));
        }
    }

    /// Answers what waited for the node, and tells the slave.
    fn tell_lost(&self, harbor: u8, socket: SocketId, why: &str) {
        self.network.close(self.context.node(), harbor, why);
        self.tell_slave_lost(harbor, socket);
    }

    fn tell_slave_lost(&self, harbor: u8, socket: SocketId) {
        let line = format!("D {harbor} {}", socket.number());
        self.network.tell_slave(self.context.node(), &line);
    }
}

/// Reads `<number of the node> <address of the slave>`.
fn parse(args: &[u8]) -> Option<Address> {
    let text = std::str::from_utf8(args).ok()?;
    let slave = text.split_ascii_whitespace().nth(1)?;
    slave.parse().ok().map(Address::new)
}

/// Reads `S <socket> <number of the node>`.
fn parse_link(text: &str) -> Option<(SocketId, u8)> {
    let mut words = text.split_ascii_whitespace().skip(1);
    let socket = words.next()?.parse().ok().filter(|id| *id > 0)?;
    let harbor = words.next()?.parse().ok().filter(|harbor| *harbor > 0)?;
    Some((SocketId::new(socket), harbor))
}

impl Service for Harbor {
    fn dispatch(&mut self, message: Message) {
        match message.kind {
            Kind::HARBOR => self.command(message.payload.as_bytes(), message.source),
            Kind::SOCKET => {
                if let Some(opened) = Opened::new(message) {
                    self.socket(&opened);
                }
            }
            _ => {
                if message.session != Session::NONE {
                    self.context.refuse(&message);
                }
            }
        }
    }
}
