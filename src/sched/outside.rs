//! What workers wait for besides messages: the sockets of a node.
//!
//! A worker with nothing to do takes the *post* of the lookout, if it is free, and sleeps there
//! instead of in its parker. What comes from outside is then carried out and handled by one
//! thread, without a switch. Only one thread has the post. While all workers are busy it is vacant;
//! they look outside from time to time, and the outside has a thread of its own for the case
//! that none of them comes.

/// The outside of a scheduler.
pub trait Outside: Send + Sync {
    /// Takes the post. Returns false if somebody has it, or if there is nothing to wait for.
    fn claim(&self) -> bool;

    /// Looks whether something has come; with `block`, waits for it. Returns whether it has. Also
    /// returns, with false, when the scheduler's alarm is rung. Called by who has the post.
    ///
    /// # Blocking
    /// With `block`, until something has come or the alarm is rung.
    fn wait(&self, block: bool) -> bool;

    /// Carries out what has come: posts messages. Called by who has the post.
    fn carry_out(&self);

    /// Leaves the post.
    fn release(&self);
}

/// The post of the lookout, held by this thread.
pub(super) struct Post<'a>(&'a dyn Outside);

impl<'a> Post<'a> {
    /// Takes the post if it is free.
    pub(super) fn take(outside: &'a dyn Outside) -> Option<Self> {
        outside.claim().then(|| Self(outside))
    }

    pub(super) fn wait(&self, block: bool) -> bool {
        self.0.wait(block)
    }

    pub(super) fn carry_out(&self) {
        self.0.carry_out();
    }
}

impl Drop for Post<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}
