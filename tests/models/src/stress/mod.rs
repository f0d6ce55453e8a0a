//! Real threads on everything that threads meet in, for a sanitizer to watch.
//!
//! Called by the program `stress`, built with the feature `native`. What the locks protect are
//! plain cells, so an ordering that is missing is a data race that ThreadSanitizer reports.
//!
//! Rules, so that what is reported is ours:
//! 1. Every thread is joined by its handle: how a scope waits is not modelled.
//! 2. No lock of the standard library is contended: it is not instrumented.
//! 3. An `Arc` is dropped for the last time by the main thread: its fence is not modelled.

mod locks;
mod parking;
mod scheduler;

/// The parts by their names.
pub const PARTS: [(&str, fn(usize)); 9] = [
    ("exclusive locks", locks::exclusive),
    ("shared locks", locks::shared),
    ("reentrant locks", locks::reentrant),
    ("optimistic reads", locks::optimistic),
    ("run queues", parking::queues),
    ("parkers", parking::parkers),
    ("sleepers", parking::sleepers),
    ("next slot", parking::next_slot),
    ("scheduler", scheduler::scheduler),
];

/// Runs the bodies in threads of the system and waits for all.
fn together(bodies: Vec<Box<dyn FnOnce() + Send + '_>>) {
    std::thread::scope(|scope| {
        let threads: Vec<_> = bodies.into_iter().map(|body| scope.spawn(body)).collect();
        for thread in threads {
            thread.join().expect("a failed body has said why");
        }
    });
}
