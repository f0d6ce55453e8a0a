//! What the lab compares: every lock, run queue and parker of the house, and their rivals.
//!
//! Called by `measure` and by the benches. A subject is a type that can be driven ([`Lock`],
//! [`Queue`], [`Parker`]) and says what it is ([`Facts`]). The lists are walked with a visitor, so
//! each measuring function is compiled for each subject and no call goes through a pointer.
//!
//! **To add a lock of your own**: one line in the list of `own.rs` (or `rivals.rs`) that fits:
//! exclusive, shared, queue or parker. It may be any type whose `lock`, or `read` and `write`,
//! return guards; for other shapes implement [`Lock`] by hand, as `rivals.rs` does.

#[macro_use]
mod lists;
mod own;
mod rivals;
mod rivals_queues;

pub use own::{BASE_EXCLUSIVE, BASE_PARKER, BASE_QUEUE, BASE_SHARED, default_subjects};

/// What a reader of a table has to know about a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The name in tables and in `--locks`.
    pub name: &'static str,
    /// Whether it is one of the house.
    pub own: bool,
    /// The feature that makes it the default of the node.
    pub feature: Option<&'static str>,
    /// How it waits when it does not park.
    pub spins: Spins,
    /// Something that makes its figures not quite comparable.
    pub remark: Option<&'static str>,
}

/// What a waiting thread does instead of parking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spins {
    /// It parks.
    No,
    /// It looks again and again, and whoever looks at the right moment gets the lock.
    Freely,
    /// As before, but only the thread whose turn it is gets the lock: with more threads than cores
    /// everybody waits until the system happens to run that one.
    InOrder,
}

impl Facts {
    /// A subject of the house.
    #[must_use]
    pub const fn own(name: &'static str) -> Self {
        Self { own: true, ..Self::rival(name) }
    }

    /// A subject of another crate.
    #[must_use]
    pub const fn rival(name: &'static str) -> Self {
        Self { name, own: false, feature: None, spins: Spins::No, remark: None }
    }

    /// With the feature that makes it the default.
    #[must_use]
    pub const fn feature(self, feature: &'static str) -> Self {
        Self { feature: Some(feature), ..self }
    }

    /// It never parks.
    #[must_use]
    pub const fn spins(self, spins: Spins) -> Self {
        Self { spins, ..self }
    }

    /// With something to know.
    #[must_use]
    pub const fn remark(self, remark: &'static str) -> Self {
        Self { remark: Some(remark), ..self }
    }

    /// What to say beside its figures when so many threads compete on so many cores.
    #[must_use]
    pub fn remark_for(&self, threads: usize, cores: usize) -> Option<String> {
        let spins = match self.spins {
            Spins::No => None,
            _ if threads <= cores => None,
            Spins::Freely => Some("spins with more threads than cores"),
            Spins::InOrder => Some("spins in order with more threads than cores"),
        };
        let remarks: Vec<&str> = [spins, self.remark].into_iter().flatten().collect();
        (!remarks.is_empty()).then(|| remarks.join("; "))
    }
}

/// A lock around a number.
pub trait Lock: Sync + Sized {
    /// What it is.
    const FACTS: Facts;

    /// Makes a free lock around 0.
    fn new() -> Self;

    /// Runs `section` alone.
    fn write<R>(&self, section: impl FnOnce(&mut u64) -> R) -> R;

    /// Runs `section` with other readers, if the lock lets them.
    fn read<R>(&self, section: impl FnOnce(u64) -> R) -> R {
        self.write(|value| section(*value))
    }
}

/// A queue between threads.
pub trait Queue: Sync + Sized {
    /// What it is.
    const FACTS: Facts;

    /// Makes an empty queue; a bounded one holds so many elements.
    fn new(capacity: usize) -> Self;

    /// Gives an end to push into. A bounded queue that is full makes the caller wait.
    fn producer(&self) -> impl FnMut(u64) + Send + '_;

    /// Gives an end to pop from; none if the queue has only one and it was given away.
    fn consumer(&self) -> Option<impl FnMut() -> Option<u64> + Send + '_>;
}

/// A place where one thread sleeps.
pub trait Parker: Sync + Send + Sized {
    /// What it is.
    const FACTS: Facts;

    /// Makes a parker without a token. Called by the thread that will sleep.
    fn new() -> Self;

    /// Sleeps until there is a token, and takes it.
    fn park(&self);

    /// Leaves a token.
    fn unpark(&self);
}

/// Walks over locks.
pub trait VisitLock {
    /// Called once a lock.
    fn visit<L: Lock + 'static>(&mut self);
}

/// Walks over queues.
pub trait VisitQueue {
    /// Called once a queue.
    fn visit<Q: Queue + 'static>(&mut self);
}

/// Walks over parkers.
pub trait VisitParker {
    /// Called once a parker.
    fn visit<P: Parker + 'static>(&mut self);
}

/// Visits every exclusive lock, those of the house first.
pub fn exclusive_locks(visitor: &mut impl VisitLock) {
    own::exclusive(visitor);
    rivals::exclusive(visitor);
}

/// Visits every shared lock, those of the house first, and one exclusive lock for comparison.
pub fn shared_locks(visitor: &mut impl VisitLock) {
    own::shared(visitor);
    rivals::shared(visitor);
}

/// Visits every queue, those of the house first.
pub fn queues(visitor: &mut impl VisitQueue) {
    own::queues(visitor);
    rivals_queues::queues(visitor);
}

/// Visits every parker, those of the house first.
pub fn parkers(visitor: &mut impl VisitParker) {
    own::parkers(visitor);
    rivals::parkers(visitor);
}

#[cfg(test)]
mod tests;
