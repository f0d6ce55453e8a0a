//! The native service `gate`: reads packets from many connections and passes them on to agents, a
//! broker or a watchdog, which steers it with lines of text. Spec: network-gate section 1.
//!
//! Launched as `gate <header> <watchdog> <address> <tag> <max>`.

use std::collections::HashMap;

use crate::codec::netpack::{Head, Splitter};
use crate::message::socket::{Event, Opened};
use crate::message::{Address, Kind, Message, Payload, Session};
use crate::net::{Bytes, Priority, SocketId};
use crate::node::{Context, StartError};
use crate::service::Service;

/// Longer packets are an attack, or another protocol.
const PACKET_BYTES_MAX: usize = (1 << 24) - 1;
/// So much of a client's address is told.
const REMOTE_BYTES_MAX: usize = 31;

const DATA: i32 = Event::Data as i32;
const CONNECT: i32 = Event::Connect as i32;
const CLOSE: i32 = Event::Close as i32;
const ACCEPT: i32 = Event::Accept as i32;
const ERROR: i32 = Event::Error as i32;
const WARNING: i32 = Event::Warning as i32;

/// What the words behind `gate` say.
#[derive(Debug, PartialEq, Eq)]
struct Arguments<'a> {
    head: Head,
    watchdog: Option<&'a str>,
    host: &'a str,
    port: u16,
    tag: Kind,
    clients_max: usize,
}

impl<'a> Arguments<'a> {
    fn parse(text: &'a str) -> Result<Self, StartError> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let [header, watchdog, address, tag, rest @ ..] = &words[..] else {
            return Err(StartError(format!("Invalid gate parm {text}")));
        };
        let clients_max = rest.first().and_then(|max| max.parse().ok()).unwrap_or(0);
        if clients_max == 0 {
            return Err(StartError("Need max connection".to_owned()));
        }
        let head = match header.as_bytes() {
            [b'S', ..] => Head::Short,
            [b'L', ..] => Head::Long,
            _ => return Err(StartError("Invalid data header style".to_owned())),
        };
        let (host, port) = address.rsplit_once(':').unwrap_or(("", address));
        // An IPv6 address stands in brackets.
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = port.parse().unwrap_or(0);
        if port == 0 {
            return Err(StartError(format!("Invalid gate address {address}")));
        }
        let tag = match tag.parse() {
            Ok(0) | Err(_) => Kind::CLIENT,
            Ok(number) => Kind::new(number),
        };
        let watchdog = (!watchdog.starts_with('!')).then_some(*watchdog);
        Ok(Self { head, watchdog, host, port, tag, clients_max })
    }
}

/// A connection of the gate.
#[derive(Default)]
struct Client {
    splitter: Splitter,
    /// Who gets its packets, and in whose name.
    agent: Option<(Address, Address)>,
    /// It sent what no packet can be; it is being closed.
    is_broken: bool,
}

/// The service.
pub(super) struct Gate {
    context: Context,
    head: Head,
    watchdog: Option<Address>,
    broker: Option<Address>,
    tag: Kind,
    clients_max: usize,
    listener: SocketId,
    clients: HashMap<i32, Client>,
}

impl Gate {
    /// Listens.
    pub(super) fn start(
        context: &Context,
        args: Option<&[u8]>,
    ) -> Result<Box<dyn Service>, StartError> {
        let text = String::from_utf8_lossy(args.unwrap_or_default());
        let arguments = Arguments::parse(&text)?;
        let watchdog = match arguments.watchdog {
            None => None,
            Some(name) => Some(
                find(context, name.as_bytes())
                    .ok_or_else(|| StartError(format!("Invalid watchdog {name}")))?,
            ),
        };
        let net = context.node().net();
        let (host, port) = (arguments.host, arguments.port);
        let listener = net
            .listen(context.address(), host, port, None)
            .map_err(|error| StartError(format!("gate {host}:{port}: {error}")))?;
        net.start(context.address(), listener);
        Ok(Box::new(Self {
            context: context.clone(),
            head: arguments.head,
            watchdog,
            broker: None,
            tag: arguments.tag,
            clients_max: arguments.clients_max,
            listener,
            clients: HashMap::new(),
        }))
    }

    fn close(&self, id: i32) {
        self.context.node().net().close(SocketId::new(id));
    }

    /// Tells the watchdog.
    fn report(&self, line: &str) {
        if let Some(watchdog) = self.watchdog {
            let source = self.context.address();
            let payload = Payload::from(line);
            let message = Message { source, session: Session::NONE, kind: Kind::TEXT, payload };
            // A gate outlives its watchdog if the application wants it so.
            let _ = self.context.send(watchdog, message);
        }
    }

    fn socket(&mut self, message: Message) {
        let Some(opened) = Opened::new(message) else { return };
        let record = opened.record();
        match record.event {
            DATA => self.data(record.id, opened.data.as_bytes()),
            CONNECT => self.connected(record.id),
            CLOSE | ERROR => self.ended(record.id),
            ACCEPT => self.accept(record.ud, record.text),
            WARNING => {
                self.context.log(&format!("fd ({}) send buffer ({})K", record.id, record.ud));
            }
            _ => {}
        }
    }

    fn accept(&mut self, id: i32, remote: &[u8]) {
        if self.clients.len() >= self.clients_max {
            return self.close(id);
        }
        self.clients.insert(id, Client::default());
        let remote = String::from_utf8_lossy(&remote[..remote.len().min(REMOTE_BYTES_MAX)]);
        self.report(&format!("{id} open {id} {remote}:0"));
        self.context.log(&format!("socket open: {id:x}"));
    }

    fn connected(&self, id: i32) {
        if id != self.listener.number() && !self.clients.contains_key(&id) {
            self.context.log(&format!("Close unknown connection {id}"));
            self.close(id);
        }
    }

    fn ended(&mut self, id: i32) {
        if self.clients.remove(&id).is_some() {
            self.report(&format!("{id} close"));
            self.close(id);
        }
    }

    fn data(&mut self, id: i32, bytes: &[u8]) {
        let Some(client) = self.clients.get_mut(&id) else {
            self.context.log(&format!("Drop unknown connection {id} message"));
            return self.close(id);
        };
        if client.is_broken {
            return;
        }
        let route = Route {
            context: &self.context,
            id,
            tag: self.tag,
            broker: self.broker,
            agent: client.agent,
            watchdog: self.watchdog,
        };
        let fed = client.splitter.feed(self.head, PACKET_BYTES_MAX, bytes, |p| route.packet(p));
        if fed.is_err() {
            client.is_broken = true;
            self.context.log("Recv socket message > 16M");
            self.close(id);
        }
    }

    /// A message for a client: the bytes, then the id of its socket.
    fn send(&self, message: &Message) {
        let source = message.source.bits();
        let Some((bytes, id)) = message.payload.as_bytes().split_last_chunk() else {
            return self.context.log(&format!("Invalid client message from {source:x}"));
        };
        let id = i32::from_le_bytes(*id);
        if bytes.is_empty() {
            self.context.log(&format!("Invalid client message from {source:x}"));
        } else if self.clients.contains_key(&id) {
            let net = self.context.node().net();
            net.send(SocketId::new(id), Bytes::Borrowed(bytes), Priority::High);
        } else {
            self.context.log(&format!("Invalid client id {id} from {source:x}"));
        }
    }

    fn command(&mut self, text: &str) {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let id = rest.split(' ').next().and_then(|id| id.parse().ok()).unwrap_or(0);
        // Any beginning of a name will do; the first that fits is meant.
        let names = ["kick", "forward", "broker", "start", "close"];
        match names.into_iter().find(|name| name.starts_with(word)) {
            _ if text.is_empty() => {}
            Some("kick") if self.clients.contains_key(&id) => self.close(id),
            Some("forward") => self.forward(id, rest),
            Some("broker") => self.broker = find(&self.context, rest.as_bytes()),
            Some("start") if self.clients.contains_key(&id) => {
                self.context.node().net().start(self.context.address(), SocketId::new(id));
            }
            Some("close") => self.close(self.listener.number()),
            Some(_) => {}
            None => self.context.log(&format!("[gate] Unknown command : {text}")),
        }
    }

    /// `<id> :<agent> :<client>`.
    fn forward(&mut self, id: i32, rest: &str) {
        let mut addresses = rest.split(' ').skip(1).map(hexadecimal);
        if let (Some(agent), Some(client)) = (addresses.next(), addresses.next())
            && let Some(record) = self.clients.get_mut(&id)
        {
            record.agent = Some((agent, client));
        }
    }
}

/// Reads an address of which the first character is skipped.
fn hexadecimal(word: &str) -> Address {
    let digits = word.get(1..).unwrap_or_default();
    Address::new(u32::from_str_radix(digits, 16).unwrap_or(0))
}

/// Returns the service that `.name` or `:hex` means.
fn find(context: &Context, name: &[u8]) -> Option<Address> {
    match name.first() {
        Some(b'.') => context.query_name(name),
        _ => std::str::from_utf8(name).ok().and_then(Address::parse),
    }
}

/// Where the packets of one connection go.
struct Route<'a> {
    context: &'a Context,
    id: i32,
    tag: Kind,
    broker: Option<Address>,
    agent: Option<(Address, Address)>,
    watchdog: Option<Address>,
}

impl Route<'_> {
    fn packet(&self, packet: &[u8]) {
        if packet.is_empty() {
            return;
        }
        let own = self.context.address();
        let (to, source, kind, payload) = if let Some(broker) = self.broker {
            (broker, own, self.tag, Payload::copy_of(packet))
        } else if let Some((agent, client)) = self.agent {
            let source = if client == Address::NOBODY { own } else { client };
            (agent, source, self.tag, Payload::copy_of(packet))
        } else if let Some(watchdog) = self.watchdog {
            let text = [format!("{} data ", self.id).as_bytes(), packet].concat();
            (watchdog, own, Kind::TEXT, Payload::copy_of(&text))
        } else {
            return;
        };
        let message = Message { source, session: Session::new(self.id), kind, payload };
        // Packets for an agent that is gone are dropped.
        let _ = self.context.send(to, message);
    }
}

impl Service for Gate {
    fn dispatch(&mut self, message: Message) {
        match message.kind {
            Kind::TEXT => self.command(&String::from_utf8_lossy(message.payload.as_bytes())),
            Kind::CLIENT => self.send(&message),
            Kind::SOCKET => self.socket(message),
            _ => {}
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.close(self.listener.number());
        for id in self.clients.keys() {
            self.close(*id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &str, with: &str) {
        let error = Arguments::parse(text).expect_err("a text that is no arguments");
        assert_eq!(error.to_string(), with);
    }

    #[test]
    fn arguments() {
        let arguments = Arguments::parse("S .watchdog [::1]:8888 0 64").unwrap();
        assert_eq!(
            arguments,
            Arguments {
                head: Head::Short,
                watchdog: Some(".watchdog"),
                host: "::1",
                port: 8888,
                tag: Kind::CLIENT,
                clients_max: 64,
            }
        );
        let arguments = Arguments::parse("L ! 8888 10 1").unwrap();
        assert_eq!((arguments.head, arguments.watchdog), (Head::Long, None));
        assert_eq!((arguments.host, arguments.tag), ("", Kind::LUA));
    }

    #[test]
    fn what_is_wrong_with_arguments() {
        fails("S ! 8888", "Invalid gate parm S ! 8888");
        fails("S ! 8888 0", "Need max connection");
        fails("S ! 8888 0 -1", "Need max connection");
        fails("X ! 8888 0 1", "Invalid data header style");
        fails("S ! host 0 1", "Invalid gate address host");
        fails("S ! host:0 0 1", "Invalid gate address host:0");
    }
}
