//! Every protocol of `sync` under loom (all schedules up to a number of preemptions) and shuttle
//! (random schedules, weighted to find rare ones).
//!
//! Run in `tests/models`, with `LOOM_MAX_PREEMPTIONS=2 cargo test --features loom --lib models` or
//! `cargo test --lib models`.
//!
//! Rules:
//! 1. Two or three threads, the test's own thread among them; a spinning lock gets two. Four only
//!    with fewer preemptions.
//! 2. A fresh object is touched once before threads are spawned (`settle`): loom counts the first
//!    use as the creation, and each access must happen after that.
//! 3. What a lock protects is a cell that loom watches; two unordered accesses fail the model.
//! 4. loom orders a store only against the last access before it. A store that follows a load by
//!    the same thread would hide the loads of others from it, so the protocols avoid such pairs.
//! 5. A lost wake-up shows as a deadlock, which both engines report.

use std::sync::Arc;

use super::facade::UnsafeCell;

mod handoff;
mod locks;
mod parking;
mod slot;

cfg_select! {
    ironsky_loom => {
        use loom::thread;

        /// Runs `body` under every schedule.
        fn explore(body: impl Fn() + Send + Sync + 'static) {
            loom::model(body);
        }

        /// As [`explore`] with one preemption: for four threads, whose schedules are very many.
        fn explore_shallow(body: impl Fn() + Send + Sync + 'static) {
            let mut model = loom::model::Builder::new();
            model.preemption_bound = Some(1);
            model.check(body);
        }

        /// Nothing: loom sees each access to a cell.
        fn switch() {}
    }
    _ => {
        use super::facade::atomic::{AtomicBool, Ordering};
        use shuttle::thread;

        /// Runs `body` under many schedules; a failure prints how to replay its own.
        fn explore(body: impl Fn() + Send + Sync + 'static) {
            const SCHEDULES: usize = 10_000;
            const CHANGES: usize = 3;
            shuttle::check_pct(body, SCHEDULES, CHANGES);
        }

        /// The same: shuttle's effort does not depend on the number of threads.
        fn explore_shallow(body: impl Fn() + Send + Sync + 'static) {
            explore(body);
        }

        /// A place where another thread may run: shuttle sees no cells, so whoever has no right to
        /// be in at the same time must have a chance to come.
        fn switch() {
            let _ = AtomicBool::new(false).load(Ordering::SeqCst);
        }
    }
}

/// A counter without a lock of its own: whoever uses it must have one.
struct Guarded(UnsafeCell<u32>);

// SAFETY: the models reach it only under the protocol that they test; loom checks that.
unsafe impl Sync for Guarded {}
// SAFETY: it is a number.
unsafe impl Send for Guarded {}

impl Guarded {
    fn new() -> Self {
        let guarded = Self(UnsafeCell::new(0));
        guarded.get();
        guarded
    }

    fn add_one(&self) {
        let before = self.get();
        switch();
        // SAFETY: the model holds its lock for writing; loom checks it.
        self.0.with_mut(|count| unsafe { *count = before + 1 });
    }

    fn get(&self) -> u32 {
        // SAFETY: the model holds its lock for reading; loom checks it.
        self.0.with(|count| unsafe { *count })
    }
}

/// Runs `body` in this many further threads and in this one, and waits for all.
fn together<T>(shared: &Arc<T>, bodies: &[fn(&T)])
where
    T: Send + Sync + 'static,
{
    let (here, elsewhere) = bodies.split_first().expect("a model has at least one body");
    let threads: Vec<_> = elsewhere
        .iter()
        .map(|&body| {
            let shared = Arc::clone(shared);
            thread::spawn(move || body(&shared))
        })
        .collect();
    here(shared);
    for thread in threads {
        thread.join().expect("a failed body has failed the model already");
    }
}
