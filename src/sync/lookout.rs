//! The post of the lookout: which thread waits for what comes from outside, the sockets.
//!
//! Called by the workers of the scheduler and by the thread of the sockets, the *stand-in*.
//!
//! The post belongs to an idle worker, so that what comes in is handled by the thread that read
//! it. A worker that goes off to handle something leaves the post vacant and wakes nobody: mostly
//! it is back at once, or another worker becomes idle and takes it. If neither happens for a
//! period, the stand-in takes it, until workers have asked for the post and a round is done.
//!
//! | word | meaning | set by | cleared by |
//! |---|---|---|---|
//! | `taken` | somebody has the post | `claim` | who has it |
//! | `wanted` | somebody asked for the post in vain | `claim` | the stand-in |
//! | `watched` | the stand-in looks every period | `release` | the stand-in |
//! | `claims` | how often the post was taken | `claim` | |
//!
//! *A vacant post is seen.* `release` clears `taken`, then looks at `watched`; the stand-in clears
//! `watched`, then looks at `taken` once more. Both have a SeqCst fence between the two steps, so
//! one of them sees the other. Who
//! sets `watched` leaves one token in the parker, and the stand-in takes exactly one for it. So a
//! node whose workers wait for sockets has no ticks, and a busy one has one each period.

use std::time::Duration;

use super::facade::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use super::parker::Park;

/// For so long the post may be vacant.
const PERIOD: Duration = Duration::from_millis(1);

/// The post. See the top of this file.
#[derive(Debug)]
pub struct Lookout<P: Park> {
    taken: AtomicBool,
    wanted: AtomicBool,
    watched: AtomicBool,
    claims: AtomicU64,
    pub(super) parker: P,
}

impl<P: Park> Lookout<P> {
    /// Makes the post; the stand-in has it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            taken: AtomicBool::new(true),
            wanted: AtomicBool::new(false),
            watched: AtomicBool::new(true),
            claims: AtomicU64::new(0),
            parker: P::new(),
        }
    }

    /// Takes the post if it is vacant. Returns whether the caller has it now.
    pub fn claim(&self) -> bool {
        if !self.take() {
            if !self.wanted.load(Ordering::Relaxed) {
                self.wanted.store(true, Ordering::Relaxed);
            }
            return false;
        }
        self.claims.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Leaves the post; the stand-in looks after it.
    pub fn release(&self) {
        self.leave();
        // SeqCst: see the top of the file; its partner is the fence in `rest`.
        fence(Ordering::SeqCst);
        if !self.watched.load(Ordering::Relaxed) && !self.watched.swap(true, Ordering::Relaxed) {
            self.parker.unpark();
        }
    }

    /// Stands in: calls `round` again and again while this thread has the post, and waits while
    /// others have it, until `is_stopping` says so, which is asked after each round and each
    /// [`wake`](Self::wake). Called by one thread, which has the post from the start.
    ///
    /// # Blocking
    /// Until the end.
    pub fn stand_in(&self, mut round: impl FnMut(), is_stopping: impl Fn() -> bool) {
        while !is_stopping() {
            round();
            if self.is_wanted() {
                self.leave();
                if !self.stand_by(&is_stopping) {
                    return;
                }
            }
        }
        self.leave();
    }

    /// Makes the stand-in look whether it is to end.
    pub fn wake(&self) {
        self.parker.unpark();
    }

    /// Returns whether somebody else has asked for the post since the last call.
    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) && self.wanted.swap(false, Ordering::Relaxed)
    }

    fn take(&self) -> bool {
        // Acquire: pairs with the Release in `leave`.
        self.taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn leave(&self) {
        // Release: pairs with the Acquire in `take`.
        self.taken.store(false, Ordering::Release);
    }

    /// Waits until the post has been vacant for a period and takes it, while `watched` is set.
    /// Returns false at the end.
    fn stand_by(&self, is_stopping: impl Fn() -> bool) -> bool {
        loop {
            let claims = self.claims.load(Ordering::Relaxed);
            self.parker.park_timeout(PERIOD);
            if is_stopping() {
                return false;
            }
            if self.taken.load(Ordering::Relaxed) {
                self.rest();
            } else if claims == self.claims.load(Ordering::Relaxed) && self.claim() {
                return true;
            }
        }
    }

    /// Somebody has the post: waits until it is left.
    pub(super) fn rest(&self) {
        self.watched.store(false, Ordering::Relaxed);
        // SeqCst: see the top of the file; its partner is the fence in `release`.
        fence(Ordering::SeqCst);
        // Who left the post meanwhile has seen `watched` set and told nobody, or has set it and
        // left a token.
        if self.taken.load(Ordering::Relaxed) || self.watched.swap(true, Ordering::Relaxed) {
            self.parker.park();
        }
    }
}

impl<P: Park> Default for Lookout<P> {
    fn default() -> Self {
        Self::new()
    }
}
