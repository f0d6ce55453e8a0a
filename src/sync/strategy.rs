//! What a strategy is: one exclusive lock, one shared lock, one run queue, one parker.
//!
//! Called by everything generic over its locks (mailbox, registry, timer, workers). The trait is
//! open: a user implements it for a type of their own, or names any combination with [`Bundle`].
//! The bundle costs nothing at run time; it only says which types to use.

use std::fmt;
use std::marker::PhantomData;

use lock_api::{RawMutex, RawRwLock};

use super::class::Class;
use super::parker::Park;
use super::queue::{LockFreeQueue, LockedQueue, RunQueue};
use super::selected::Selected;

/// One choice for each role.
pub trait Strategy: Copy + Default + Send + Sync + 'static {
    /// The name in reports.
    const NAME: &'static str;
    /// The lock of short sections: mailbox, timer, tables.
    type Exclusive: RawMutex + Send + Sync + 'static;
    /// The lock of tables that are mostly read.
    type Shared: RawRwLock + Send + Sync + 'static;
    /// The queue of ready mailboxes.
    type RunQueue<T: Send + 'static>: RunQueue<T>;
    /// How a worker sleeps.
    type Parker: Park;
}

/// A value under the exclusive lock of the strategy `S`, used as the class `C` says.
pub type Mutex<S, C, T> = lock_api::Mutex<<C as Class>::Exclusive<<S as Strategy>::Exclusive>, T>;

/// A [`Mutex`] that is held.
pub type MutexGuard<'a, S, C, T> =
    lock_api::MutexGuard<'a, <C as Class>::Exclusive<<S as Strategy>::Exclusive>, T>;

/// A value under the shared lock of the strategy `S`, used as the class `C` says.
pub type RwLock<S, C, T> = lock_api::RwLock<<C as Class>::Shared<<S as Strategy>::Shared>, T>;

/// A part of a strategy that has a name in reports.
pub trait Named {
    /// The name, as the features and the documentation spell it.
    const NAME: &'static str;
}

/// A run queue for every type of item: what a [`Bundle`] is told.
pub trait QueueFamily: Named + Copy + Default + Send + Sync + 'static {
    /// The queue for items of this type.
    type Queue<T: Send + 'static>: RunQueue<T>;
}

/// The family of lock-free queues.
#[derive(Copy, Clone, Default, Debug)]
pub struct LockFree;

impl Named for LockFree {
    const NAME: &'static str = "lockfree";
}

impl QueueFamily for LockFree {
    type Queue<T: Send + 'static> = LockFreeQueue<T>;
}

/// The family of queues under the exclusive lock `E`.
pub struct Locked<E>(PhantomData<fn() -> E>);

impl<E> Named for Locked<E> {
    const NAME: &'static str = "locked";
}

impl<E: RawMutex + Named + Send + Sync + 'static> QueueFamily for Locked<E> {
    type Queue<T: Send + 'static> = LockedQueue<E, T>;
}

/// Any combination as a strategy: exclusive lock, shared lock, run queue, parker.
pub struct Bundle<E, R, Q, P>(PhantomData<Parts<E, R, Q, P>>);

/// Names the parts without owning them: a bundle may be sent whatever they are.
type Parts<E, R, Q, P> = fn() -> (E, R, Q, P);

impl<E, R, Q, P> Strategy for Bundle<E, R, Q, P>
where
    E: RawMutex + Named + Send + Sync + 'static,
    R: RawRwLock + Named + Send + Sync + 'static,
    Q: QueueFamily,
    P: Park + Named,
{
    const NAME: &'static str = Joined::<E, R, Q, P>::TEXT.as_str();
    type Exclusive = E;
    type Shared = R;
    type RunQueue<T: Send + 'static> = Q::Queue<T>;
    type Parker = P;
}

macro_rules! plain_marker {
    ($($name:ident<$($part:ident),+>),+) => { $(
        impl<$($part),+> Copy for $name<$($part),+> {}

        impl<$($part),+> Clone for $name<$($part),+> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<$($part),+> Default for $name<$($part),+> {
            fn default() -> Self {
                Self(PhantomData)
            }
        }

        impl<$($part),+> fmt::Debug for $name<$($part),+> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )+ };
}

plain_marker!(Locked<E>, Bundle<E, R, Q, P>);

/// The four names joined by `+`, made by the compiler.
struct Joined<E, R, Q, P>(PhantomData<(E, R, Q, P)>);

impl<E: Named, R: Named, Q: Named, P: Named> Joined<E, R, Q, P> {
    const TEXT: &'static Text = &Text::join([E::NAME, R::NAME, Q::NAME, P::NAME]);
}

/// A text of limited length that can be built in a constant.
struct Text {
    bytes: [u8; Text::BYTES_MAX],
    len: usize,
}

impl Text {
    /// Four names of the house with their separators; a longer name fails the build.
    const BYTES_MAX: usize = 96;

    const fn join<const N: usize>(parts: [&str; N]) -> Self {
        let mut text = Self { bytes: [0; Self::BYTES_MAX], len: 0 };
        let mut index = 0;
        while index < N {
            if index > 0 {
                text.push("+");
            }
            text.push(parts[index]);
            index += 1;
        }
        text
    }

    const fn push(&mut self, part: &str) {
        let part = part.as_bytes();
        let mut index = 0;
        while index < part.len() {
            self.bytes[self.len] = part[index];
            self.len += 1;
            index += 1;
        }
    }

    const fn as_str(&'static self) -> &'static str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => panic!("whole strings were joined"),
        }
    }
}

/// The names of the strategy in effect, as `--version` prints them.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The exclusive lock.
    pub exclusive: &'static str,
    /// The shared lock.
    pub shared: &'static str,
    /// The run queue.
    pub run_queue: &'static str,
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { exclusive, shared, run_queue } = self;
        write!(f, "lock {exclusive}, rwlock {shared}, queue {run_queue}")
    }
}

/// Says which strategy the features chose.
#[must_use]
pub const fn describe() -> Selection {
    Selected::SELECTION
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
    use crate::sync::class;

    struct Short;
    struct Long;

    impl Named for Short {
        const NAME: &'static str = "a";
    }

    impl Named for Long {
        const NAME: &'static str = "parking-lot";
    }

    #[test]
    fn a_bundle_is_named_after_its_parts() {
        assert_eq!(
            Joined::<Short, Long, Short, Long>::TEXT.as_str(),
            "a+parking-lot+a+parking-lot"
        );
    }

    #[test]
    fn the_selection_names_what_the_selected_strategy_is() {
        let Selection { exclusive, shared, run_queue } = describe();
        let expected = format!("lock {exclusive}, rwlock {shared}, queue {run_queue}");
        assert_eq!(describe().to_string(), expected);
        assert!(Selected::NAME.starts_with(&format!("{exclusive}+{shared}+{run_queue}")));
    }

    /// What a user of a strategy does, whichever it is.
    #[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
    fn use_every_part<S: Strategy>() {
        let mutex = Mutex::<S, class::Timer, u32>::new(1);
        let table = RwLock::<S, class::Registry, u32>::new(2);
        let queue = S::RunQueue::<u32>::new();
        let parker = S::Parker::new();
        let sum = *table.read() + *mutex.lock();
        queue.push(sum);
        parker.unpark();
        parker.park();
        *table.write() = queue.pop().unwrap();
        assert_eq!(table.into_inner(), 3, "{}", S::NAME);
    }

    #[test]
    #[cfg(not(any(ironsky_loom, ironsky_shuttle)))]
    fn any_combination_is_a_strategy() {
        use crate::sync::lock::*;
        use crate::sync::parker::{CondvarParker, FutexParker};

        use_every_part::<Selected>();
        use_every_part::<Bundle<RawSpin, RawRwFair, LockFree, FutexParker>>();
        use_every_part::<Bundle<RawMutex, RawRwRead, Locked<RawMutex>, CondvarParker>>();
        use_every_part::<Bundle<RawFair, RawRwWrite, Locked<RawSpin>, FutexParker>>();
        use_every_part::<Bundle<RawParkingLot, RawRwParkingLot, LockFree, CondvarParker>>();
        use_every_part::<Bundle<RawSpinCrate, RawRwSpinCrate, Locked<RawFair>, FutexParker>>();
    }
}
