//! Making sockets: listeners, connections, foreign descriptors.
//!
//! Listeners are made by the calling thread at once. A connect returns its id at once and goes on
//! alone; a name is looked up by the threads of `resolver.rs`.

use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use socket2::{Domain, Socket, Type};

use super::address::{self, Transport, look_up};
use super::slot::{Head, Phase, Reserved, Slot, Watched};
use super::unsent::Gate;
use super::{Net, OpenError, Shared, SocketId, sys};
use crate::message::Address;
use crate::message::socket::Event;
use crate::sync::Strategy;

/// The longest name of a host that is looked up. Spec: network section 1.7.
const HOST_BYTES_MAX: usize = 231;

/// The text for a descriptor that cannot be watched.
pub(super) const TOO_MANY: &str = "reach skynet socket number limit";

impl<S: Strategy> Net<S> {
    /// Listens at an address; CONNECT with the actual address goes to the owner. Nothing is
    /// accepted before [`Net::start`].
    ///
    /// # Errors
    /// When the name is unknown, the address not free, or no id is left.
    ///
    /// # Blocking
    /// While a name is looked up.
    pub fn listen(
        &self,
        owner: Address,
        host: &str,
        port: u16,
        backlog: Option<i32>,
    ) -> Result<SocketId, OpenError> {
        let shared = &self.shared;
        let at = first_address(host, port, Transport::Stream)?;
        let backlog = backlog.unwrap_or(shared.settings.backlog as i32);
        let socket = shared.listening_socket(at, backlog)?;
        let Reserved { id, slot, mut head } = shared.table.reserve(owner).ok_or(OpenError::Full)?;
        head.phase = Phase::ListenPending;
        head.fd = sys::into_raw(socket);
        {
            let mut unsent = slot.unsent.lock();
            unsent.gate = Gate::Listener;
            unsent.fd = head.fd;
        }
        let local = sys::local(head.fd).unwrap_or(at);
        let (port, text) = (i32::from(local.port()), local.ip().to_string());
        shared.tell_text(slot, Event::Connect, (id.number(), port), &text);
        Ok(id)
    }

    /// Connects to an address; CONNECT or ERROR goes to the owner.
    ///
    /// # Errors
    /// When no id is left or the host cannot be a name.
    pub fn connect(&self, owner: Address, host: &str, port: u16) -> Result<SocketId, OpenError> {
        let shared = &self.shared;
        if host.len() > HOST_BYTES_MAX {
            shared.home.log(owner, &format!("socket-server error: Invalid addr {host}."));
            return Err(OpenError::Resolve(format!("Invalid addr {host}.")));
        }
        let Reserved { id, slot, head } = shared.table.reserve(owner).ok_or(OpenError::Full)?;
        slot.unsent.lock().gate = Gate::Wait;
        drop(head);
        match address::numeric(host) {
            Some(ip) => shared.dial(id, Ok(vec![SocketAddr::new(ip, port)])),
            None => {
                let (shared, host) = (self.shared.clone(), host.to_owned());
                self.shared.resolver.run(Box::new(move || {
                    shared.dial(id, look_up(&host, port, Transport::Stream));
                }));
            }
        }
        Ok(id)
    }

    /// Watches a descriptor that was made elsewhere; CONNECT or ERROR goes to the owner. It is
    /// never closed here.
    ///
    /// # Errors
    /// When no id is left.
    pub fn bind(&self, owner: Address, fd: RawFd) -> Result<SocketId, OpenError> {
        let shared = &self.shared;
        let Reserved { id, slot, mut head } = shared.table.reserve(owner).ok_or(OpenError::Full)?;
        (head.fd, head.foreign) = (fd, true);
        let made = sys::set_nonblocking(fd).and_then(|()| shared.watch(&mut head));
        if made.is_err() {
            shared.fail(slot, &mut head, TOO_MANY);
            return Ok(id);
        }
        (head.phase, head.reading) = (Phase::Bound, true);
        {
            let mut unsent = slot.unsent.lock();
            (unsent.fd, unsent.foreign, unsent.gate) = (fd, true, Gate::Open);
        }
        shared.tell_text(slot, Event::Connect, (id.number(), 0), "binding");
        Ok(id)
    }
}

/// Returns the first address of a host.
pub(super) fn first_address(
    host: &str,
    port: u16,
    transport: Transport,
) -> Result<SocketAddr, OpenError> {
    let found = look_up(host, port, transport).map_err(OpenError::Resolve)?;
    found.first().copied().ok_or_else(|| OpenError::Resolve("no address".to_owned()))
}

impl<S: Strategy> Shared<S> {
    /// Connections inherit the options of their listener.
    fn listening_socket(&self, at: SocketAddr, backlog: i32) -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(at), Type::STREAM.nonblocking(), None)?;
        socket.set_reuse_address(true)?;
        self.set_options(&socket)?;
        socket.bind(&at.into())?;
        socket.listen(backlog)?;
        Ok(socket)
    }

    fn set_options(&self, socket: &Socket) -> io::Result<()> {
        socket.set_keepalive(true)?;
        if self.settings.nodelay {
            socket.set_tcp_nodelay(true)?;
        }
        Ok(())
    }

    /// Goes on with a connect when the addresses are known.
    fn dial(&self, id: SocketId, found: Result<Vec<SocketAddr>, String>) {
        let Some(slot) = self.table.find(id) else { return };
        let mut head = slot.head.lock();
        if head.id != id.number() || head.phase != Phase::Reserved {
            // Closed meanwhile.
            return;
        }
        match found {
            Ok(mut addresses) => {
                addresses.reverse();
                head.candidates = addresses;
                self.dial_next(slot, &mut head, None);
            }
            Err(text) => self.fail(slot, &mut head, &text),
        }
    }

    /// Tries the addresses that are left. `error` is why the one before failed.
    pub(super) fn dial_next(&self, slot: &Slot<S>, head: &mut Head, error: Option<io::Error>) {
        let mut error = error;
        while let Some(address) = head.candidates.pop() {
            match self.dial_one(head, address) {
                Ok(()) => {
                    slot.unsent.lock().fd = head.fd;
                    return;
                }
                Err(why) => error = Some(why),
            }
        }
        let text = error.map_or_else(|| "no address".to_owned(), |error| sys::error_text(&error));
        self.fail(slot, head, &text);
    }

    /// Begins to connect; the lookout hears how it went, also when that is known at once.
    fn dial_one(&self, head: &mut Head, to: SocketAddr) -> io::Result<()> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM.nonblocking(), None)?;
        self.set_options(&socket)?;
        match socket.connect(&to.into()) {
            Err(error) if !sys::is_in_progress(&error) => return Err(error),
            _ => {}
        }
        head.fd = sys::into_raw(socket);
        head.phase = Phase::Connecting;
        head.reading = true;
        head.watched = Watched::Nothing;
        self.watch(head).inspect_err(|_| {
            // SAFETY: the descriptor was made above and nobody else knows it.
            unsafe { sys::close(head.fd) };
            (head.fd, head.phase) = (-1, Phase::Reserved);
        })
    }

    /// Frees a socket that could not be made, and says why.
    pub(super) fn fail(&self, slot: &Slot<S>, head: &mut Head, text: &str) {
        let id = head.id;
        self.destroy(slot, head);
        self.tell_text(slot, Event::Error, (id, 0), text);
    }
}
