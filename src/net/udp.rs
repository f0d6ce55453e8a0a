//! UDP sockets. Spec: network section 1.10.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

use super::address::{Transport, UdpAddress};
use super::open::{TOO_MANY, first_address};
use super::poll::Ready;
use super::slot::{Head, Phase, Reserved, Slot};
use super::stream::Reader;
use super::unsent::{Bytes, Gate, Priority};
use super::{Net, OpenError, Shared, SocketId, sys};
use crate::message::socket::Event;
use crate::message::{Address, Payload};
use crate::sync::Strategy;

/// After so many packets in a row, other sockets come first.
const TURNS_MAX: usize = 64;

impl<S: Strategy> Net<S> {
    /// Makes a UDP socket, bound to an address if one is given. It receives at once.
    ///
    /// # Errors
    /// When the name is unknown, the address not free, or no id is left.
    pub fn udp(&self, owner: Address, at: Option<(&str, u16)>) -> Result<SocketId, OpenError> {
        let bound = at.map(|(host, port)| first_address(host, port, Transport::Datagram));
        self.udp_socket(owner, bound.transpose()?, None)
    }

    /// As [`Net::udp`] with an address; the port must not be 0.
    ///
    /// # Errors
    /// As for [`Net::udp`].
    pub fn udp_listen(&self, owner: Address, host: &str, port: u16) -> Result<SocketId, OpenError> {
        if port == 0 {
            return Err(OpenError::Port);
        }
        self.udp(owner, Some((host, port)))
    }

    /// Makes a UDP socket whose packets go to an address unless they have one of their own.
    ///
    /// # Errors
    /// As for [`Net::udp`].
    pub fn udp_dial(&self, owner: Address, host: &str, port: u16) -> Result<SocketId, OpenError> {
        let to = first_address(host, port, Transport::Datagram)?;
        self.udp_socket(owner, None, Some(to))
    }

    /// Sets where the packets of a UDP socket go.
    ///
    /// # Errors
    /// When the name is unknown or there is no such socket. An address of another family is told
    /// to the owner as an ERROR.
    pub fn udp_connect(&self, id: SocketId, host: &str, port: u16) -> Result<(), OpenError> {
        let to = first_address(host, port, Transport::Datagram)?;
        let slot = self.shared.table.find(id).ok_or(OpenError::NoSocket)?;
        let head = slot.head.lock();
        if head.id != id.number() || !head.packets {
            return Err(OpenError::NoSocket);
        }
        if !fits(&head, to) {
            let text = "protocol mismatch";
            self.shared.tell_text(slot, Event::Error, (id.number(), 0), text);
            return Ok(());
        }
        slot.unsent.lock().destination = Some(to);
        Ok(())
    }

    /// Sends a packet to an address. `false` when there is no such socket or the address does not
    /// fit it.
    pub fn udp_send(&self, id: SocketId, to: SocketAddr, bytes: Bytes<'_>) -> bool {
        let shared = &self.shared;
        let Some(slot) = shared.table.find(id) else { return false };
        let len = bytes.as_bytes().len();
        let mut unsent = slot.unsent.lock();
        if unsent.id != id.number() || !unsent.packets || unsent.ipv6 != to.is_ipv6() {
            return false;
        }
        let limit = shared.settings.unsent_bytes_max;
        let sent = unsent.send_packet(bytes, (Some(to), Priority::High), &slot.queued, limit);
        slot.figures.count_written(len as u64, shared.home.now_cs());
        drop(unsent);
        shared.after_send(id, slot, sent)
    }

    fn udp_socket(
        &self,
        owner: Address,
        at: Option<SocketAddr>,
        to: Option<SocketAddr>,
    ) -> Result<SocketId, OpenError> {
        let shared = &self.shared;
        let ipv6 = at.or(to).is_some_and(|address| address.is_ipv6());
        let socket = datagram_socket(ipv6, at)?;
        let Reserved { id, slot, mut head } = shared.table.reserve(owner).ok_or(OpenError::Full)?;
        (head.fd, head.packets) = (sys::into_raw(socket), true);
        (head.phase, head.reading) = (Phase::Connected, true);
        {
            let mut unsent = slot.unsent.lock();
            (unsent.fd, unsent.packets, unsent.ipv6) = (head.fd, true, ipv6);
            (unsent.gate, unsent.destination) = (Gate::Open, to);
        }
        if shared.watch(&mut head).is_err() {
            shared.fail(slot, &mut head, TOO_MANY);
        }
        Ok(id)
    }
}

fn datagram_socket(ipv6: bool, at: Option<SocketAddr>) -> io::Result<Socket> {
    let domain = if ipv6 { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::DGRAM.nonblocking(), None)?;
    if let Some(at) = at {
        socket.set_reuse_address(true)?;
        socket.bind(&at.into())?;
    }
    Ok(socket)
}

/// Tells whether an address is of the socket's family.
fn fits(head: &Head, to: SocketAddr) -> bool {
    let domain = sys::socket_of(head.fd, |socket| socket.domain());
    domain.is_ok_and(|domain| domain == Domain::for_address(to))
}

impl<S: Strategy> Shared<S> {
    /// Receives packets.
    pub(super) fn receive(
        &self,
        reader: &mut Reader,
        slot: &Slot<S>,
        head: &mut Head,
        ready: Ready,
    ) {
        for _ in 0..TURNS_MAX {
            match sys::receive_from(head.fd, reader.buffer.as_mut_slice()) {
                Ok((count, Some(from))) => {
                    slot.figures.count_read(count as u64, reader.now_cs);
                    let from = UdpAddress::of(from);
                    let from = from.as_bytes();
                    let bytes = reader.buffer.as_mut_slice();
                    bytes[count..count + from.len()].copy_from_slice(from);
                    let data = Payload::copy_of(&bytes[..count + from.len()]);
                    self.tell(slot, Event::Udp, (head.id, count as i32), data);
                }
                Ok((_, None)) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => return self.fail(slot, head, &sys::error_text(&error)),
            }
        }
        reader.again.push(ready);
    }

    #[cold]
    pub(super) fn packet_lost(&self, id: SocketId, slot: &Slot<S>, error: &io::Error) {
        let (id, text) = (id.number(), sys::error_text(error));
        let line = format!("socket-server : udp ({id}) sendto error {text}.");
        self.home.log(slot.owner(), &line);
    }

    #[cold]
    pub(super) fn no_destination(&self, id: SocketId, slot: &Slot<S>) -> bool {
        let line = format!("socket-server : set udp ({}) error: address first.", id.number());
        self.home.log(slot.owner(), &line);
        false
    }
}
