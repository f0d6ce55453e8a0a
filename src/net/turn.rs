//! Fewer system calls for a service that writes often on one socket in a turn.
//!
//! While a thread is in a turn (a service handles one message), the first small write on a socket
//! goes to the kernel at once, and those behind it wait for the end of the turn, when they leave
//! together. A service that answers several requests of one message, or writes a head and a body,
//! so needs two system calls, and the kernel sends two packets. What is waiting for the end of the
//! turn is sent earlier when it is much, when the turn is no longer a short one, or when the socket
//! is closed. When the sender knows that it will write more in this turn ([`Net::send_more`]: there
//! are further requests in its buffer), the first write waits as well.
//!
//! A turn has a number that no other turn of the process has; 0 is no turn.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Net, SocketId};
use crate::sync::Strategy;

/// So many turns of one thread have different numbers.
const TURNS_OF_A_THREAD: u64 = 1 << 40;

static THREADS: AtomicU64 = AtomicU64::new(1);

/// A turn that has lasted so long since its first write holds nothing back any more: so what waits
/// waits for one handler at most.
const SHORT: Duration = Duration::from_micros(300);

thread_local! {
    /// When the turn with a number has written for the first time.
    static FIRST_WRITE: Cell<(u64, Option<Instant>)> = const { Cell::new((0, None)) };
    /// The number of the turn, 0 outside of turns.
    static CURRENT: Cell<u64> = const { Cell::new(0) };
    /// The number of the last turn; 0 in a thread that had none.
    static LAST: Cell<u64> = const { Cell::new(0) };
    /// The sockets with something that waits for the end of the turn.
    static WAITING: RefCell<Vec<SocketId>> = const { RefCell::new(Vec::new()) };
}

/// Returns the number of the calling thread's turn, 0 when it is in none.
pub(super) fn current() -> u64 {
    CURRENT.get()
}

/// Tells whether the turn has just begun to write.
pub(super) fn is_short(turn: u64) -> bool {
    let now = Instant::now();
    match FIRST_WRITE.get() {
        (known, Some(first)) if known == turn => now.duration_since(first) < SHORT,
        _ => {
            FIRST_WRITE.set((turn, Some(now)));
            true
        }
    }
}

/// Notes a socket to be flushed at the end of the turn.
pub(super) fn wait_for_end(id: SocketId) {
    WAITING.with_borrow_mut(|waiting| waiting.push(id));
}

/// A turn of the calling thread, up to when it is dropped.
pub struct Turn<'a, S: Strategy> {
    net: &'a Net<S>,
}

impl<S: Strategy> Net<S> {
    /// Begins a turn: a service handles a message on this thread.
    pub fn begin_turn(&self) -> Turn<'_, S> {
        let mut number = LAST.get() + 1;
        if number % TURNS_OF_A_THREAD == 1 {
            // Relaxed: the number orders nothing.
            number = THREADS.fetch_add(1, Ordering::Relaxed) * TURNS_OF_A_THREAD + 2;
        }
        LAST.set(number);
        CURRENT.set(number);
        Turn { net: self }
    }
}

impl<S: Strategy> Drop for Turn<'_, S> {
    fn drop(&mut self) {
        CURRENT.set(0);
        if WAITING.with_borrow(Vec::is_empty) {
            return;
        }
        // Taken out: a flush may deliver a message, and nobody knows what that calls.
        let mut waiting = WAITING.take();
        for id in waiting.drain(..) {
            if let Some(slot) = self.net.shared.table.find(id) {
                self.net.shared.flush(id, slot);
            }
        }
        WAITING.set(waiting);
    }
}
