//! The reader-writer lock behind `rw_fair` and `rw_write`: tickets for writers, phases for readers.
//!
//! Called through those two, which only differ in one decision: whom a leaving writer lets in.
//! Readers that find a writer present (holding or waiting) are *blocked*: they are counted and wait
//! for the phase bit to change. Writers draw tickets. The lock is always handed over by the one
//! that leaves; nobody competes for it.
//!
//! The word, from the low end. The low half is what sleepers sleep on: it changes only when
//! somebody parks or is let in, so arrivals do not disturb them.
//!
//! | bits | meaning | raised or set by | lowered or cleared by |
//! |---|---|---|---|
//! | 0-7 `turn` | ticket of the holder or the next | leaving writer, +1 | last writer, to 0 |
//! | 8 `phase` | turns when blocked readers are let in | leaving writer | leaving writer |
//! | 9 `readers parked` | a blocked reader may be parked | that reader | who lets it in |
//! | 16-31 `writers parked` | bit i: tickets = i mod 16 may be parked | owner | who lets it in |
//! | 32-39 `next` | the next writer's ticket | arriving writer, +1 | last writer, to 0 |
//! | 40-51 `active` | readers that are in | arriving reader, leaving writer | leaving reader |
//! | 52-63 `blocked` | readers that wait for `phase` | arriving reader, +1 | leaving writer, to 0 |
//!
//! A leaving writer that lets readers in moves `blocked` to `active` in one step; the last writer
//! is one that leaves no other present.
//!
//! *Invariants*
//! 1. No writer is present exactly when `next` = `turn` = 0. At most 255 are, further ones look
//!    until a ticket is left. Readers look while their field is full (2048 in, or 4095 blocked).
//! 2. The writer whose ticket is `turn` holds the lock exactly while `active` is 0. A reader is in
//!    exactly from the moment that counts it in `active`.
//! 3. While a writer is present, `active` grows only in the step of a leaving writer. So once it is
//!    0 it stays 0 until the writer of `turn` leaves.
//! 4. `phase` changes only when the last group of readers has left (a writer has to hold the lock
//!    to leave it), so one bit is enough for a blocked reader to see that it was let in.
//! 5. Who makes a writer's turn come true (`turn` is its ticket and `active` 0) clears its bit
//!    afterwards or in the same step, and then wakes everybody who waits under that bit. A woken
//!    one whose turn it is not parks again. With up to 16 waiting writers no two share a bit.

use std::fmt;
use std::marker::PhantomData;

use lock_api::GuardNoSend;

use super::patience::Patience;
use crate::sync::facade::atomic::{AtomicU64, Ordering};
use crate::sync::facade::thread;
use crate::sync::futex;

const TICKET: u64 = 0xFF;
const PHASE: u64 = 1 << 8;
const READERS_PARKED: u64 = 1 << 9;
const WRITERS_PARKED_SHIFT: u64 = 16;
const WRITERS_PARKED: u64 = 0xFFFF << WRITERS_PARKED_SHIFT;
const WRITERS_PARKED_BITS: u64 = 16;
const NEXT_SHIFT: u64 = 32;
const NEXT_ONE: u64 = 1 << NEXT_SHIFT;
const ACTIVE_SHIFT: u64 = 40;
const ACTIVE_ONE: u64 = 1 << ACTIVE_SHIFT;
const ACTIVE: u64 = 0xFFF << ACTIVE_SHIFT;
/// The top bit of `active`: no further reader comes in by itself.
const ACTIVE_FULL: u64 = 0x800 << ACTIVE_SHIFT;
const BLOCKED_SHIFT: u64 = 52;
const BLOCKED_ONE: u64 = 1 << BLOCKED_SHIFT;
const BLOCKED: u64 = 0xFFF << BLOCKED_SHIFT;
/// `turn` and `next`: all 0 exactly when no writer is present (invariant 1).
const WRITERS: u64 = TICKET | TICKET << NEXT_SHIFT;

/// The futex mask of readers; writers have the low 16 bits.
const READERS_PLACE: u32 = 1 << 31;

/// Looks before parking; see `mutex`.
const SPIN_ROUNDS: u32 = 100;

const fn turn(state: u64) -> u64 {
    state & TICKET
}

const fn next(state: u64) -> u64 {
    state >> NEXT_SHIFT & TICKET
}

/// How many writers hold a ticket.
const fn writers(state: u64) -> u64 {
    next(state).wrapping_sub(turn(state)) & TICKET
}

const fn is_turn_of(state: u64, ticket: u64) -> bool {
    turn(state) == ticket && state & ACTIVE == 0
}

/// The futex mask on which the owner of a ticket waits.
const fn writer_place(ticket: u64) -> u32 {
    1 << (ticket % WRITERS_PARKED_BITS)
}

const fn writer_bit(ticket: u64) -> u64 {
    1 << (WRITERS_PARKED_SHIFT + ticket % WRITERS_PARKED_BITS)
}

/// The word after one more writer drew its ticket; the other fields do not notice a wrap.
const fn with_writer(state: u64) -> u64 {
    state & !(TICKET << NEXT_SHIFT) | ((next(state) + 1) & TICKET) << NEXT_SHIFT
}

/// The word after the turn passed to the next ticket, or after the last writer left.
const fn with_next_turn(state: u64) -> u64 {
    if writers(state) == 1 {
        state & !(WRITERS | WRITERS_PARKED)
    } else {
        state & !TICKET | (turn(state) + 1) & TICKET
    }
}

/// The word after the blocked readers were let in; nobody is in before.
const fn with_blocked_let_in(state: u64) -> u64 {
    let readers = (state & BLOCKED) >> BLOCKED_SHIFT << ACTIVE_SHIFT;
    ((state & !BLOCKED) | readers) & !READERS_PARKED ^ PHASE
}

/// What the leaving of a writer did, for the wake-up afterwards.
#[derive(Copy, Clone)]
enum LetIn {
    Readers,
    Writer,
    Nobody,
}

/// Whom a leaving writer lets in.
pub trait Policy: Send + Sync + 'static {
    /// True: the next writer, and blocked readers only when none is left.
    /// False: the blocked readers, and the next writer only when there are none.
    const WRITERS_FIRST: bool;
}

/// The raw lock; the policy makes it `rw_fair` or `rw_write`.
pub struct RawPhased<P> {
    state: AtomicU64,
    policy: PhantomData<P>,
}

impl<P> fmt::Debug for RawPhased<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.load(Ordering::Relaxed);
        f.debug_struct("RawPhased").field("state", &format_args!("{state:#018x}")).finish()
    }
}

// SAFETY:
// - exclusion: invariants 2 and 3. A writer holds only while no reader is counted, and no reader is
//   counted in while a writer is present, except by the writer that leaves.
unsafe impl<P: Policy> lock_api::RawRwLock for RawPhased<P> {
    const INIT: Self = Self { state: AtomicU64::new(0), policy: PhantomData };

    type SharedGuard = GuardNoSend;
    type ExclusiveGuard = GuardNoSend;

    #[inline]
    fn lock_shared(&self) -> GuardNoSend {
        let state = self.look();
        if !Self::is_open_to_readers(state) || self.enter_shared(state).is_err() {
            self.lock_shared_slow();
        }
        GuardNoSend::new()
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<GuardNoSend> {
        let mut state = self.look();
        while Self::is_open_to_readers(state) {
            match self.enter_shared(state) {
                Ok(_) => return Some(GuardNoSend::new()),
                Err(now) => state = now,
            }
        }
        None
    }

    #[inline]
    unsafe fn unlock_shared(&self, _guard: GuardNoSend) {
        // Release: pairs with the Acquire in `enter_exclusive` and `wait_for_turn`.
        let before = self.state.fetch_sub(ACTIVE_ONE, Ordering::Release);
        if before & WRITERS != 0 {
            self.leave_shared_slow(before);
        }
    }

    #[inline]
    fn lock_exclusive(&self) -> GuardNoSend {
        if !self.enter_exclusive() {
            self.lock_exclusive_slow();
        }
        GuardNoSend::new()
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<GuardNoSend> {
        self.enter_exclusive().then(GuardNoSend::new)
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, _guard: GuardNoSend) {
        let phase = self.look() & PHASE;
        // Release: pairs with the Acquire in `enter_shared` and `enter_exclusive`.
        let freed = self.state.compare_exchange(
            NEXT_ONE | phase,
            phase,
            Ordering::Release,
            Ordering::Relaxed,
        );
        if let Err(state) = freed {
            self.leave_exclusive_slow(state);
        }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.look() & !PHASE != 0
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        let state = self.look();
        state & WRITERS != 0 && state & ACTIVE == 0
    }
}

impl<P: Policy> RawPhased<P> {
    /// How many writers hold or wait, and how many readers are blocked.
    #[cfg(test)]
    #[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
    pub(super) fn present(&self) -> (u64, u64) {
        let state = self.look();
        (writers(state), state >> BLOCKED_SHIFT)
    }

    #[inline]
    fn look(&self) -> u64 {
        // Relaxed: a hint; the read-modify-write after it decides.
        self.state.load(Ordering::Relaxed)
    }

    #[inline]
    const fn is_open_to_readers(state: u64) -> bool {
        state & (WRITERS | ACTIVE_FULL) == 0
    }

    /// Counts one reader in, if the word is still `state`.
    #[inline]
    fn enter_shared(&self, state: u64) -> Result<u64, u64> {
        // Acquire: pairs with the Release in `unlock_exclusive` and `leave_exclusive_slow`.
        self.state.compare_exchange_weak(
            state,
            state + ACTIVE_ONE,
            Ordering::Acquire,
            Ordering::Relaxed,
        )
    }

    /// Takes the free lock for a writer; its ticket is 0.
    #[inline]
    fn enter_exclusive(&self) -> bool {
        let phase = self.look() & PHASE;
        // Acquire: pairs with the Release of every leaving reader and writer.
        let taken = self.state.compare_exchange(
            phase,
            NEXT_ONE | phase,
            Ordering::Acquire,
            Ordering::Relaxed,
        );
        taken.is_ok()
    }

    #[cold]
    fn lock_shared_slow(&self) {
        let mut state = self.look();
        loop {
            let step = if Self::is_open_to_readers(state) {
                self.enter_shared(state).map(|_| true)
            } else if state & WRITERS == 0 || state & BLOCKED == BLOCKED {
                thread::yield_now();
                Err(self.look())
            } else {
                self.enter_blocked(state).map(|_| false)
            };
            match step {
                Ok(true) => return,
                Ok(false) => return self.wait_for_phase_after(state & PHASE),
                Err(now) => state = now,
            }
        }
    }

    /// Counts one reader as blocked, if the word is still `state`.
    fn enter_blocked(&self, state: u64) -> Result<u64, u64> {
        // Relaxed: `wait_for_phase_after` acquires.
        self.state.compare_exchange_weak(
            state,
            state + BLOCKED_ONE,
            Ordering::Relaxed,
            Ordering::Relaxed,
        )
    }

    /// Waits until the blocked readers of `phase` were let in.
    fn wait_for_phase_after(&self, phase: u64) {
        let mut patience = Patience::new(SPIN_ROUNDS);
        loop {
            // Acquire: pairs with the Release in `leave_exclusive_slow`.
            let state = self.state.load(Ordering::Acquire);
            if state & PHASE != phase {
                return;
            }
            if !patience.pause() {
                self.park(state, READERS_PARKED, READERS_PLACE);
            }
        }
    }

    #[cold]
    fn lock_exclusive_slow(&self) {
        let ticket = self.draw_ticket();
        self.wait_for_turn(ticket);
    }

    fn draw_ticket(&self) -> u64 {
        let mut state = self.look();
        loop {
            if writers(state) == TICKET {
                thread::yield_now();
                state = self.look();
                continue;
            }
            // Relaxed: `wait_for_turn` acquires.
            let drawn = self.state.compare_exchange_weak(
                state,
                with_writer(state),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match drawn {
                Ok(_) => return next(state),
                Err(now) => state = now,
            }
        }
    }

    fn wait_for_turn(&self, ticket: u64) {
        let mut patience = Patience::new(SPIN_ROUNDS);
        loop {
            // Acquire: pairs with the Release of every leaving reader and writer; the
            // read-modify-writes of others in between keep the release sequences.
            let state = self.state.load(Ordering::Acquire);
            if is_turn_of(state, ticket) {
                return;
            }
            let is_near = ticket.wrapping_sub(turn(state)) & TICKET <= 1;
            if !is_near || !patience.pause() {
                self.park(state, writer_bit(ticket), writer_place(ticket));
            }
        }
    }

    /// Announces the sleep by `bit` and sleeps, unless the word has changed since `state` was read.
    fn park(&self, state: u64, bit: u64, place: u32) {
        let announced = state | bit;
        // Relaxed: nothing is published; the caller's loop acquires.
        let is_current = state == announced
            || self
                .state
                .compare_exchange(state, announced, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_current {
            #[expect(clippy::cast_possible_truncation, reason = "the low half is waited on")]
            futex::wait(&self.state, announced as u32, place);
        }
    }

    /// A reader left while a writer waits; `before` is the word it left.
    #[cold]
    fn leave_shared_slow(&self, before: u64) {
        if before & ACTIVE == ACTIVE_ONE {
            self.wake_writer_of_turn();
        }
    }

    /// Wakes the writer whose turn came because the last reader left.
    fn wake_writer_of_turn(&self) {
        let mut state = self.look();
        loop {
            let ticket = turn(state);
            if state & ACTIVE != 0 || state & writer_bit(ticket) == 0 {
                return;
            }
            // Relaxed: the leaving was released by `unlock_shared`.
            let cleared = self.state.compare_exchange_weak(
                state,
                state & !writer_bit(ticket),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match cleared {
                Ok(_) => return futex::wake(&self.state, futex::EVERYBODY, writer_place(ticket)),
                Err(now) => state = now,
            }
        }
    }

    #[cold]
    fn leave_exclusive_slow(&self, mut state: u64) {
        loop {
            let (left, let_in) = Self::after_writer(state);
            // Release: pairs with the Acquire of everybody who comes in.
            let swapped =
                self.state.compare_exchange_weak(state, left, Ordering::Release, Ordering::Relaxed);
            match swapped {
                Ok(_) => return self.wake_after_writer(state, let_in),
                Err(now) => state = now,
            }
        }
    }

    /// The word after the holding writer left, and who is in by that.
    const fn after_writer(state: u64) -> (u64, LetIn) {
        let passed = with_next_turn(state);
        let is_writer_next = passed & WRITERS != 0;
        if state & BLOCKED != 0 && !(P::WRITERS_FIRST && is_writer_next) {
            (with_blocked_let_in(passed), LetIn::Readers)
        } else if is_writer_next {
            (passed & !writer_bit(turn(passed)), LetIn::Writer)
        } else {
            (passed, LetIn::Nobody)
        }
    }

    /// Wakes those who were let in and may be parked, as `state` said before.
    fn wake_after_writer(&self, state: u64, let_in: LetIn) {
        let successor = turn(with_next_turn(state));
        match let_in {
            LetIn::Readers if state & READERS_PARKED != 0 => {
                futex::wake(&self.state, futex::EVERYBODY, READERS_PLACE);
            }
            LetIn::Writer if state & writer_bit(successor) != 0 => {
                futex::wake(&self.state, futex::EVERYBODY, writer_place(successor));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
mod tests;
