//! What `netstat` shows. Spec: network section 1.11.

use std::net::SocketAddr;

use super::slot::{Head, Phase, Slot};
use super::{Net, SocketId, address, sys};
use crate::message::Address;
use crate::sync::Strategy;
use crate::sync::facade::atomic::Ordering;

/// What a socket is, for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A listener.
    Listen,
    /// A connection.
    Tcp,
    /// A UDP socket.
    Udp,
    /// A foreign descriptor.
    Bind,
    /// A connection of which one half has ended.
    Closing,
}

/// A socket as it was when somebody looked.
#[derive(Clone, Debug)]
pub struct SocketInfo {
    /// The socket.
    pub id: SocketId,
    /// What it is.
    pub kind: Kind,
    /// Who hears of it.
    pub owner: Address,
    /// Bytes read; for a listener connections accepted.
    pub read: u64,
    /// Bytes written.
    pub written: u64,
    /// When something was read last, in hundredths of a second since the node's start; 0: never.
    pub read_at: u64,
    /// When something was written last.
    pub written_at: u64,
    /// Bytes that wait to be written.
    pub unsent: usize,
    /// Whether the owner wants to hear what comes in.
    pub reading: bool,
    /// Whether something waits for room in the kernel.
    pub writing: bool,
    /// The own address of a listener, the peer of a connection, the default destination of a UDP
    /// socket.
    pub name: Option<String>,
}

impl<S: Strategy> Net<S> {
    /// Returns all sockets that are connected or listening, the one in the last slot first. Others
    /// go on meanwhile.
    pub fn info(&self) -> Vec<SocketInfo> {
        let mut all = Vec::new();
        self.shared.table.each(|slot| all.extend(look(slot)));
        all
    }
}

fn look<S: Strategy>(slot: &Slot<S>) -> Option<SocketInfo> {
    let head = slot.head.lock();
    let kind = match head.phase {
        Phase::Listening => Kind::Listen,
        Phase::Connected if head.packets => Kind::Udp,
        Phase::Connected => Kind::Tcp,
        Phase::HalfClosedRead | Phase::HalfClosedWrite => Kind::Closing,
        Phase::Bound => Kind::Bind,
        _ => return None,
    };
    let unsent = slot.unsent.lock();
    let name = name(kind, &head, unsent.destination);
    Some(SocketInfo {
        id: SocketId::new(head.id),
        kind,
        owner: slot.owner(),
        read: slot.figures.read.load(Ordering::Relaxed),
        written: slot.figures.written.load(Ordering::Relaxed),
        read_at: slot.figures.read_at.load(Ordering::Relaxed),
        written_at: slot.figures.written_at.load(Ordering::Relaxed),
        unsent: unsent.bytes(),
        reading: head.reading,
        writing: !unsent.is_empty(),
        name,
    })
}

fn name(kind: Kind, head: &Head, destination: Option<SocketAddr>) -> Option<String> {
    let address = match kind {
        Kind::Listen => sys::local(head.fd),
        Kind::Udp => destination,
        Kind::Tcp | Kind::Closing => sys::peer(head.fd).ok().flatten(),
        Kind::Bind => None,
    };
    address.map(address::text)
}
