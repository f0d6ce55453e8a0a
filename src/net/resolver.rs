//! Looks names up for connects, so that a slow name server stalls nobody else.
//!
//! Threads are started when there is something to do and end when there is nothing left. At most
//! [`THREADS_MAX`] of them wait for the system's resolver; the rest of the work queues.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

const THREADS_MAX: usize = 8;

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    threads: usize,
}

/// Runs jobs that may take long.
pub(super) struct Resolver(Arc<Mutex<State>>);

impl Resolver {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// Runs a job on a thread of its own kind, soon.
    pub(super) fn run(&self, job: Job) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.push_back(job);
        if state.threads >= THREADS_MAX {
            return;
        }
        state.threads += 1;
        drop(state);
        let shared = Arc::clone(&self.0);
        let thread = std::thread::Builder::new().name("resolver".to_owned());
        if thread.spawn(move || work(&shared)).is_err() {
            // Without a thread the caller has to wait after all.
            work(&self.0);
        }
    }
}

fn work(state: &Mutex<State>) {
    loop {
        let job = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(job) = state.waiting.pop_front() else {
                state.threads -= 1;
                return;
            };
            job
        };
        job();
    }
}
