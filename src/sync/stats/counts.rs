//! The counters themselves: a block a thread, added up on demand.
//!
//! Called by `counted` at each acquisition of a class that is on, and by `stats` for sums.
//!
//! *Who touches what.* A block is written by the one thread that it is lent to, with plain loads
//! and stores (no read-modify-write: that alone would cost more than the bar of 5 ns). Others read
//! it at any time. Blocks are never freed: an ending thread gives its block back, and the next new
//! thread continues its sums. So there are as many as threads lived at once, and no sum is lost.
//!
//! *Orderings.* All counters are Relaxed: nothing is concluded from one about another. Sums are
//! exact after a join, which orders everything; a block changes hands under the mutex.
//!
//! *Reset* notes what each block had counted, and sums are taken from there: nobody but its thread
//! may write a block.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{SAMPLE, Totals, WAIT_BUCKETS};
use crate::sync::class::NAMES;
use crate::sync::facade::time;

pub(super) const IS_BUILT: bool = true;

const CLASSES: usize = NAMES.len();

static ON: [AtomicBool; CLASSES] = [const { AtomicBool::new(false) }; CLASSES];

/// The places of the counters of a class, before those of the waits.
#[derive(Copy, Clone)]
enum Field {
    Acquisitions,
    Reads,
    Writes,
    FailedTries,
    Collisions,
    WaitNs,
    HoldNs,
    Holds,
    OutsideNs,
    Outsides,
    Waits,
}

const FIELDS: usize = Field::Waits as usize + WAIT_BUCKETS;

type Sums = [u64; FIELDS];

/// One thread's counters of one class.
pub(super) struct Counts {
    fields: [AtomicU64; FIELDS],
    /// When the last timed acquisition was released; 0 when the next was seen.
    released_at: AtomicU64,
}

impl Counts {
    const fn new() -> Self {
        let fields = [const { AtomicU64::new(0) }; FIELDS];
        Self { fields, released_at: AtomicU64::new(0) }
    }

    #[inline]
    fn add(&self, place: usize, amount: u64) {
        let field = &self.fields[place];
        // Relaxed: only this thread writes, see the head of the file.
        field.store(field.load(Ordering::Relaxed) + amount, Ordering::Relaxed);
    }

    fn sums(&self) -> Sums {
        std::array::from_fn(|place| self.fields[place].load(Ordering::Relaxed))
    }

    /// How many acquisitions this thread has counted.
    #[inline]
    fn turn(&self) -> u64 {
        self.fields[Field::Acquisitions as usize].load(Ordering::Relaxed)
    }

    /// Counts an acquisition by `attempt`, or by `wait` if that fails. Returns the guard and the
    /// time from which it is held, 0 when that is not timed.
    #[inline]
    pub(super) fn acquire<G>(
        &self,
        share: Share,
        attempt: impl FnOnce() -> Option<G>,
        wait: impl FnOnce() -> G,
    ) -> (G, u64) {
        let turn = self.turn();
        if turn % SAMPLE == 1 {
            self.note_outside();
        }
        let guard = attempt().unwrap_or_else(|| self.collide(wait));
        self.count(share);
        (guard, if turn % SAMPLE == 0 { time::nanoseconds() } else { 0 })
    }

    /// Counts a try.
    pub(super) fn attempt<G>(&self, share: Share, guard: Option<G>) -> Option<G> {
        if guard.is_some() {
            self.count(share);
        } else {
            self.add(Field::FailedTries as usize, 1);
        }
        guard
    }

    #[inline]
    fn count(&self, share: Share) {
        self.add(Field::Acquisitions as usize, 1);
        match share {
            Share::Only => {}
            Share::Read => self.add(Field::Reads as usize, 1),
            Share::Write => self.add(Field::Writes as usize, 1),
        }
    }

    #[cold]
    fn collide<G>(&self, wait: impl FnOnce() -> G) -> G {
        let began = time::nanoseconds();
        let guard = wait();
        let waited = time::nanoseconds() - began;
        self.add(Field::Collisions as usize, 1);
        self.add(Field::WaitNs as usize, waited);
        let bucket = waited.checked_ilog2().unwrap_or(0) as usize;
        self.add(Field::Waits as usize + bucket.min(WAIT_BUCKETS - 1), 1);
        guard
    }

    #[cold]
    fn note_outside(&self) {
        let released_at = self.released_at.load(Ordering::Relaxed);
        if released_at != 0 {
            self.add(Field::OutsideNs as usize, time::nanoseconds() - released_at);
            self.add(Field::Outsides as usize, 1);
            self.released_at.store(0, Ordering::Relaxed);
        }
    }

    /// Counts how long a timed acquisition was held, up to now.
    fn note_hold(&self, since: u64, now: u64) {
        self.add(Field::HoldNs as usize, now - since);
        self.add(Field::Holds as usize, 1);
        self.released_at.store(now, Ordering::Relaxed);
    }
}

/// What is taken.
#[derive(Copy, Clone)]
pub(super) enum Share {
    /// An exclusive lock.
    Only,
    /// A read share of a shared lock.
    Read,
    /// A shared lock for writing.
    Write,
}

/// One thread's counters.
struct Block {
    classes: [Counts; CLASSES],
}

/// A block and what is known about it.
struct Lent {
    block: &'static Block,
    is_free: bool,
    at_reset: [Sums; CLASSES],
}

static BLOCKS: Mutex<Vec<Lent>> = Mutex::new(Vec::new());

fn blocks() -> MutexGuard<'static, Vec<Lent>> {
    // No code that can panic runs between two consistent states.
    BLOCKS.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// The block of this thread, once it has one.
    static MINE: Cell<Option<&'static Block>> = const { Cell::new(None) };
    /// Gives the block back when the thread ends.
    static LEASE: Lease = const { Lease };
}

struct Lease;

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(block) = MINE.take() else { return };
        let mut blocks = blocks();
        if let Some(lent) = blocks.iter_mut().find(|lent| std::ptr::eq(lent.block, block)) {
            lent.is_free = true;
        }
    }
}

/// The counters of the calling thread for a class; none in a thread that is at its end.
#[inline]
pub(super) fn mine(class: usize) -> Option<&'static Counts> {
    let block = match MINE.get() {
        Some(block) => block,
        None => borrow()?,
    };
    Some(&block.classes[class])
}

#[cold]
fn borrow() -> Option<&'static Block> {
    LEASE.try_with(|_| ()).ok()?;
    let mut blocks = blocks();
    let block = match blocks.iter_mut().find(|lent| lent.is_free) {
        Some(lent) => {
            lent.is_free = false;
            lent.block
        }
        None => add_block(&mut blocks),
    };
    for counts in &block.classes {
        // What the thread before released is nothing that this one comes back from.
        counts.released_at.store(0, Ordering::Relaxed);
    }
    MINE.set(Some(block));
    Some(block)
}

fn add_block(blocks: &mut Vec<Lent>) -> &'static Block {
    let classes = [const { Counts::new() }; CLASSES];
    let block: &'static Block = Box::leak(Box::new(Block { classes }));
    blocks.push(Lent { block, is_free: false, at_reset: [[0; FIELDS]; CLASSES] });
    block
}

/// Ends the timing of an acquisition that is about to be released.
#[cold]
pub(super) fn end_hold(class: usize, since: u64) {
    if let Some(counts) = mine(class) {
        counts.note_hold(since, time::nanoseconds());
    }
}

pub(super) fn switch(class: usize, on: bool) {
    // Relaxed: counting begins and ends some time soon.
    ON[class].store(on, Ordering::Relaxed);
}

#[inline]
pub(super) fn is_on(class: usize) -> bool {
    ON[class].load(Ordering::Relaxed)
}

pub(super) fn reset() {
    for lent in blocks().iter_mut() {
        for (at_reset, counts) in lent.at_reset.iter_mut().zip(&lent.block.classes) {
            *at_reset = counts.sums();
        }
    }
}

pub(super) fn totals(class: usize) -> Totals {
    let mut sums = [0; FIELDS];
    let mut threads = 0;
    for lent in blocks().iter() {
        let now = lent.block.classes[class].sums();
        let since: Sums = std::array::from_fn(|place| now[place] - lent.at_reset[class][place]);
        threads += u64::from(since[Field::Acquisitions as usize] > 0);
        sums.iter_mut().zip(since).for_each(|(sum, since)| *sum += since);
    }
    to_totals(&sums, threads)
}

fn to_totals(sums: &Sums, threads: u64) -> Totals {
    let of = |field: Field| sums[field as usize];
    Totals {
        threads,
        acquisitions: of(Field::Acquisitions),
        reads: of(Field::Reads),
        is_shared: of(Field::Reads) + of(Field::Writes) > 0,
        failed_tries: of(Field::FailedTries),
        collisions: of(Field::Collisions),
        wait_ns: of(Field::WaitNs),
        waits: std::array::from_fn(|bucket| sums[Field::Waits as usize + bucket]),
        hold_ns: of(Field::HoldNs),
        holds: of(Field::Holds),
        outside_ns: of(Field::OutsideNs),
        outsides: of(Field::Outsides),
    }
}
