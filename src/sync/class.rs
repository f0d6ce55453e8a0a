//! What a lock is used for: one class a use, so that counters and ranks can speak of uses.
//!
//! Called by everybody who declares a lock with [`Mutex`](super::Mutex) or
//! [`RwLock`](super::RwLock). A class is a type of size zero. It decides what stands between the
//! user of a lock and the raw lock:
//!
//! | build | between them |
//! |---|---|
//! | release, without `lock-stats` | nothing: the type is the raw lock |
//! | release, with `lock-stats` | the counters of `stats` |
//! | debug | the order of `rank`, and with `lock-stats` the counters |
//! | model | nothing: both would multiply the schedules |
//!
//! *Rank.* A thread that holds a lock takes only locks of a higher rank, so no threads wait for
//! each other in a circle. [`Body`] comes first, because a service does everything else under it;
//! and it nests, because a service that launches another one takes that one's too, which nobody
//! else can hold while it starts.

use lock_api::{RawMutex, RawRwLock};

/// A use of locks.
pub trait Class: Send + Sync + 'static {
    /// The name in reports.
    const NAME: &'static str;
    /// The place in the order in which locks are taken.
    const RANK: u8;
    /// Whether a thread may take a second lock of this class.
    const NESTS: bool;
    /// The place in [`NAMES`] and in the counters.
    const INDEX: usize;
    /// An exclusive lock `E` as this class uses it.
    type Exclusive<E: RawMutex + Send + Sync + 'static>: RawMutex + Send + Sync + 'static;
    /// A shared lock `R` as this class uses it.
    type Shared<R: RawRwLock + Send + Sync + 'static>: RawRwLock + Send + Sync + 'static;
}

cfg_select! {
    any(ironsky_loom, ironsky_shuttle) => {
        macro_rules! between { ($raw:ident, $class:ident) => { $raw }; }
    }
    all(feature = "lock-stats", debug_assertions) => {
        macro_rules! between {
            ($raw:ident, $class:ident) => {
                super::rank::Ranked<super::stats::Counted<$raw, $class>, $class>
            };
        }
    }
    feature = "lock-stats" => {
        macro_rules! between {
            ($raw:ident, $class:ident) => { super::stats::Counted<$raw, $class> };
        }
    }
    debug_assertions => {
        macro_rules! between {
            ($raw:ident, $class:ident) => { super::rank::Ranked<$raw, $class> };
        }
    }
    _ => {
        macro_rules! between { ($raw:ident, $class:ident) => { $raw }; }
    }
}

// Index, type, rank, whether it nests, name, use.
macro_rules! classes {
    ($($index:literal $name:ident $rank:literal $nests:literal $text:literal: $use:literal,)+) => {
        /// The names of all classes, each at its `INDEX`.
        pub const NAMES: [&str; [$($index),+].len()] = [$($text),+];

        $(
            #[doc = $use]
            #[derive(Debug)]
            pub struct $name;

            impl Class for $name {
                const NAME: &'static str = $text;
                const RANK: u8 = $rank;
                const NESTS: bool = $nests;
                const INDEX: usize = $index;
                type Exclusive<E: RawMutex + Send + Sync + 'static> = between!(E, $name);
                type Shared<R: RawRwLock + Send + Sync + 'static> = between!(R, $name);
            }
        )+
    };
}

classes! {
    0 Body 10 true "body": "A service's object, held while it handles a message.",
    1 Recorder 20 false "recorder": "A service's message log.",
    2 Registry 30 false "registry": "The services and names of a node.",
    3 Mailbox 40 false "mailbox": "A service's queue.",
    4 Timer 50 false "timer": "The timer wheel.",
    5 RunQueue 60 false "run-queue": "The queue of ready mailboxes, where it is a locked one.",
    6 Sleepers 70 false "sleepers": "The stack of sleeping workers.",
    7 CodeCache 80 false "code-cache": "Compiled Lua files.",
    8 Environment 90 false "environment": "The settings that services share.",
    9 Socket 22 false "socket": "The state of a socket: who owns it, what is read.",
    10 Unsent 24 false "unsent": "What a socket has not sent yet.",
    11 Application 100 false "application": "Whatever a program around a node protects.",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_the_place_of_the_name() {
        fn check<C: Class>() {
            assert_eq!(NAMES[C::INDEX], C::NAME);
        }
        check::<Body>();
        check::<Mailbox>();
        check::<Environment>();
        check::<Application>();
        assert_eq!(Application::INDEX + 1, NAMES.len());
    }

    /// What release builds without `lock-stats` promise: no instruction, because no other type.
    #[test]
    #[cfg(not(debug_assertions))]
    #[cfg(not(feature = "lock-stats"))]
    fn nothing_stands_between_a_user_and_the_raw_lock() {
        use crate::sync::lock::{RawMutex, RawRwFair};
        use std::any::TypeId;

        type Exclusive = <Mailbox as Class>::Exclusive<RawMutex>;
        type Shared = <Registry as Class>::Shared<RawRwFair>;
        assert_eq!(TypeId::of::<Exclusive>(), TypeId::of::<RawMutex>());
        assert_eq!(TypeId::of::<Shared>(), TypeId::of::<RawRwFair>());
    }
}
