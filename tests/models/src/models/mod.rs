//! The real mailbox and registry under the model checkers: their protocols, not those
//! of copies.
//!
//! With the feature `loom` every schedule with a bounded number of preemptions, else schedules that
//! shuttle draws. `src/sync/models` has the models of what is below it.

mod mailbox;
mod registry;

use std::sync::Arc;

cfg_select! {
    ironsky_loom => {
        use loom::thread;

        /// Runs `body` under every schedule.
        fn explore(body: impl Fn() + Send + Sync + 'static) {
            loom::model(body);
        }
    }
    _ => {
        use shuttle::thread;

        /// Runs `body` under many schedules; a failure prints how to replay its own.
        fn explore(body: impl Fn() + Send + Sync + 'static) {
            const SCHEDULES: usize = 10_000;
            const CHANGES: usize = 3;
            shuttle::check_pct(body, SCHEDULES, CHANGES);
        }
    }
}

/// Runs `body` in this many further threads and in this one, and waits for all.
fn together<T: Send + Sync + 'static>(shared: &Arc<T>, bodies: &[fn(&T)]) {
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
