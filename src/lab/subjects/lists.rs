//! The macros of the lists: each makes subjects of types, and a function that visits them all.
//!
//! Called by `own` and `rivals`, whose lines read `type => facts`.

/// Exclusive locks that are made by `new(0)` and whose `lock` returns a guard.
macro_rules! exclusive_locks {
    ($visit_all:ident: $($lock:ty => $facts:expr),+ $(,)?) => {
        $(impl $crate::lab::subjects::Lock for $lock {
            const FACTS: $crate::lab::subjects::Facts = $facts;

            fn new() -> Self {
                Self::new(0)
            }

            #[inline]
            fn write<R>(&self, section: impl FnOnce(&mut u64) -> R) -> R {
                section(&mut self.lock())
            }
        })+

        fn $visit_all(visitor: &mut impl $crate::lab::subjects::VisitLock) {
            $(visitor.visit::<$lock>();)+
        }
    };
}

/// Shared locks that are made by `new(0)` and whose `read` and `write` return guards.
macro_rules! shared_locks {
    ($visit_all:ident: $($lock:ty => $facts:expr),+ $(,)?) => {
        $(impl $crate::lab::subjects::Lock for $lock {
            const FACTS: $crate::lab::subjects::Facts = $facts;

            fn new() -> Self {
                Self::new(0)
            }

            #[inline]
            fn write<R>(&self, section: impl FnOnce(&mut u64) -> R) -> R {
                section(&mut self.write())
            }

            #[inline]
            fn read<R>(&self, section: impl FnOnce(u64) -> R) -> R {
                let guard = self.read();
                section(*guard)
            }
        })+

        fn $visit_all(visitor: &mut impl $crate::lab::subjects::VisitLock) {
            $(visitor.visit::<$lock>();)+
        }
    };
}

/// Run queues of the house.
macro_rules! run_queues {
    ($visit_all:ident: $($queue:ty => $facts:expr),+ $(,)?) => {
        $(impl $crate::lab::subjects::Queue for $queue {
            const FACTS: $crate::lab::subjects::Facts = $facts;

            fn new(_capacity: usize) -> Self {
                $crate::sync::RunQueue::new()
            }

            fn producer(&self) -> impl FnMut(u64) + Send + '_ {
                |item| self.push(item)
            }

            fn consumer(&self) -> Option<impl FnMut() -> Option<u64> + Send + '_> {
                Some(|| self.pop())
            }
        })+

        pub(super) fn $visit_all(visitor: &mut impl $crate::lab::subjects::VisitQueue) {
            $(visitor.visit::<$queue>();)+
        }
    };
}

/// Parkers of the house.
macro_rules! house_parkers {
    ($visit_all:ident: $($parker:ty => $facts:expr),+ $(,)?) => {
        $(impl $crate::lab::subjects::Parker for $parker {
            const FACTS: $crate::lab::subjects::Facts = $facts;

            fn new() -> Self {
                $crate::sync::Park::new()
            }

            fn park(&self) {
                $crate::sync::Park::park(self);
            }

            fn unpark(&self) {
                $crate::sync::Park::unpark(self);
            }
        })+

        pub(super) fn $visit_all(visitor: &mut impl $crate::lab::subjects::VisitParker) {
            $(visitor.visit::<$parker>();)+
        }
    };
}
