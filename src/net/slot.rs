//! The table of sockets: ids, slots, and the two halves of a socket's state.
//!
//! *Ids.* An id is a positive number; ids are handed out in order and one is used again only after
//! 2^31 others. The socket with an id lives in slot `id mod 65536`, so whoever knows an old id
//! finds another id in the slot (or none), never somebody else's connection. Slots are allocated
//! in chunks when they are first needed, and live as long as the node.
//!
//! *Halves.* A slot has two locks: `head` guards what the socket is, who owns it and what is read;
//! `unsent` guards what is written. So a worker that writes does not meet the lookout that
//! reads. Who needs both takes `head` first. Events are delivered under `head`, so that they
//! arrive in the order in which things happened; only warnings are not.
//!
//! | phase | meaning |
//! |---|---|
//! | `Free` | no socket |
//! | `Reserved` | an id; the name is being looked up |
//! | `ListenPending` | listens in the kernel, is not polled before `start` |
//! | `Listening` | accepts |
//! | `Connecting` | the connect is under way |
//! | `AcceptPending` | accepted, is not polled before `start` |
//! | `Connected` | a stream, or a UDP socket |
//! | `HalfClosedRead` | the peer has finished; what we write may still be read |
//! | `HalfClosedWrite` | writing has failed; what the peer sent is still read |
//! | `Bound` | a foreign descriptor |

use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::sync::OnceLock;

use super::SocketId;
use super::unsent::Unsent;
use crate::message::Address;
use crate::sync::facade::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, Strategy, class};

/// The most sockets of a node. Spec: network section 1.1.
pub const SOCKETS_MAX: usize = 1 << 16;
const CHUNK: usize = 256;

/// See the table at the top of this file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Free,
    Reserved,
    ListenPending,
    Listening,
    Connecting,
    AcceptPending,
    Connected,
    HalfClosedRead,
    HalfClosedWrite,
    Bound,
}

/// What the lookout was asked to watch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Watched {
    /// The descriptor is not registered.
    Nothing,
    /// Room to write, and hang-ups.
    Writes,
    /// Everything.
    All,
}

/// What a socket is and what is read.
pub(super) struct Head {
    /// The socket; 0 when the slot is free.
    pub(super) id: i32,
    pub(super) phase: Phase,
    pub(super) fd: RawFd,
    /// A UDP socket.
    pub(super) packets: bool,
    /// Not made here, so not closed here.
    pub(super) foreign: bool,
    /// The service wants to hear of what comes in.
    pub(super) reading: bool,
    pub(super) watched: Watched,
    /// Something may have come in while nobody wanted to hear of it.
    pub(super) missed: bool,
    /// `close` was called; what waits is still written.
    pub(super) closing: bool,
    /// CLOSE was delivered, which happens once.
    pub(super) told: bool,
    /// Where else to connect to if the connect that is under way fails.
    pub(super) candidates: Vec<SocketAddr>,
}

impl Head {
    const fn new() -> Self {
        Self {
            id: 0,
            phase: Phase::Free,
            fd: -1,
            packets: false,
            foreign: false,
            reading: false,
            watched: Watched::Nothing,
            missed: false,
            closing: false,
            told: false,
            candidates: Vec::new(),
        }
    }

    /// Empties the slot, or gives it to a new socket.
    pub(super) fn reset(&mut self, id: i32, phase: Phase) {
        *self = Self { id, phase, ..Self::new() };
    }
}

/// Figures for `netstat`. Relaxed: plain statistics.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) read: AtomicU64,
    pub(super) written: AtomicU64,
    pub(super) read_at: AtomicU64,
    pub(super) written_at: AtomicU64,
}

impl Figures {
    pub(super) fn reset(&self) {
        for figure in [&self.read, &self.written, &self.read_at, &self.written_at] {
            figure.store(0, Ordering::Relaxed);
        }
    }

    pub(super) fn count_read(&self, count: u64, now_cs: u64) {
        // One writer at a time: the lookout, under the lock of the head.
        let sum = self.read.load(Ordering::Relaxed) + count;
        self.read.store(sum, Ordering::Relaxed);
        self.read_at.store(now_cs, Ordering::Relaxed);
    }

    /// Called under the lock `unsent`.
    pub(super) fn count_written(&self, count: u64, now_cs: u64) {
        let sum = self.written.load(Ordering::Relaxed) + count;
        self.written.store(sum, Ordering::Relaxed);
        self.written_at.store(now_cs, Ordering::Relaxed);
    }
}

/// The place of one socket.
pub(super) struct Slot<S: Strategy> {
    pub(super) head: Mutex<S, class::Socket, Head>,
    pub(super) unsent: Mutex<S, class::Unsent, Unsent>,
    /// Something waits to be written; see `unsent.rs`.
    pub(super) queued: AtomicBool,
    /// The service that hears of the socket. Written under `head`.
    owner: AtomicU32,
    pub(super) figures: Figures,
}

impl<S: Strategy> Slot<S> {
    fn new() -> Self {
        Self {
            head: Mutex::<S, class::Socket, _>::new(Head::new()),
            unsent: Mutex::<S, class::Unsent, _>::new(Unsent::new()),
            queued: AtomicBool::new(false),
            owner: AtomicU32::new(0),
            figures: Figures::default(),
        }
    }

    pub(super) fn owner(&self) -> Address {
        // Relaxed: who reads it without the lock `head` may send to the previous owner, which
        // drops what it does not know.
        Address::new(self.owner.load(Ordering::Relaxed))
    }

    pub(super) fn set_owner(&self, owner: Address) {
        self.owner.store(owner.bits(), Ordering::Relaxed);
    }
}

/// A slot for a new socket.
pub(super) struct Reserved<'a, S: Strategy> {
    pub(super) id: SocketId,
    pub(super) slot: &'a Slot<S>,
    pub(super) head: MutexGuard<'a, S, class::Socket, Head>,
}

/// Slots that are allocated together.
type Chunk<S> = OnceLock<Box<[Slot<S>]>>;

/// All slots.
pub(super) struct Table<S: Strategy> {
    chunks: Box<[Chunk<S>]>,
    last: AtomicI32,
}

impl<S: Strategy> Table<S> {
    pub(super) fn new() -> Self {
        let chunks = (0..SOCKETS_MAX / CHUNK).map(|_| OnceLock::new()).collect();
        Self { chunks, last: AtomicI32::new(0) }
    }

    fn place(id: i32) -> usize {
        id as usize % SOCKETS_MAX
    }

    fn slot(&self, place: usize) -> &Slot<S> {
        let chunk =
            self.chunks[place / CHUNK].get_or_init(|| (0..CHUNK).map(|_| Slot::new()).collect());
        &chunk[place % CHUNK]
    }

    /// Returns the slot where a socket would be; `None` if there has never been one.
    pub(super) fn find(&self, id: SocketId) -> Option<&Slot<S>> {
        let place = (id.number() > 0).then(|| Self::place(id.number()))?;
        self.chunks[place / CHUNK].get().map(|chunk| &chunk[place % CHUNK])
    }

    /// Takes a free slot for a new socket, locked; `None` when there is none.
    ///
    /// A slot that somebody else has locked counts as taken: the caller may hold one itself.
    pub(super) fn reserve(&self, owner: Address) -> Option<Reserved<'_, S>> {
        for _ in 0..SOCKETS_MAX {
            // Relaxed: the number orders nothing.
            let id = self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1) & i32::MAX;
            let slot = self.slot(Self::place(id));
            let Some(mut head) = slot.head.try_lock() else { continue };
            if id == 0 || head.phase != Phase::Free {
                continue;
            }
            head.reset(id, Phase::Reserved);
            slot.set_owner(owner);
            slot.figures.reset();
            slot.unsent.lock().reset(id, &slot.queued);
            return Some(Reserved { id: SocketId::new(id), slot, head });
        }
        None
    }

    /// Visits the slots that have been used, the last one first.
    pub(super) fn each(&self, mut visit: impl FnMut(&Slot<S>)) {
        for chunk in self.chunks.iter().rev().filter_map(OnceLock::get) {
            chunk.iter().rev().for_each(&mut visit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Selected;

    #[test]
    fn ids_go_up_from_one_and_skip_slots_in_use() {
        let table = Table::<Selected>::new();
        let owner = Address::new(8);
        let first = table.reserve(owner).unwrap().id;
        assert_eq!(first.number(), 1);
        table.last.store(65536, Ordering::Relaxed);
        let next = table.reserve(owner).unwrap();
        assert_eq!((next.id.number(), next.slot.owner()), (65538, owner));
        table.last.store(i32::MAX, Ordering::Relaxed);
        let wrapped = table.reserve(owner).unwrap().id;
        assert_eq!(wrapped.number(), 3, "0 is no id, and the slots 1 and 2 are in use");
    }

    #[test]
    fn an_unknown_id_has_no_slot() {
        let table = Table::<Selected>::new();
        for id in [0, -1, 5] {
            assert!(table.find(SocketId::new(id)).is_none());
        }
    }

    #[test]
    fn a_full_table_gives_no_id() {
        let table = Table::<Selected>::new();
        for _ in 0..SOCKETS_MAX {
            table.reserve(Address::NOBODY).unwrap();
        }
        assert!(table.reserve(Address::NOBODY).is_none());
    }
}
