//! How much memory an element takes that waits in a queue.
//!
//! Called by `queue`. The figure is how much the process grew by a full queue, so it is right for
//! every allocator and exact to some tenths of a byte. The queue stays alive until the process
//! ends: otherwise the next one would grow into its place and seem to need nothing.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;

use crate::lab::subjects::Queue;

/// Elements that are queued for the measurement; a little more than a power of two would flatter
/// or punish queues that double, this is a little less.
const ELEMENTS: usize = 250_000;

static KNOWN: LazyLock<Mutex<HashMap<TypeId, Option<f64>>>> = LazyLock::new(Mutex::default);

/// Bytes for each waiting element of 8 bytes; measured once. None where the system does not tell.
pub(super) fn bytes_per_element<Q: Queue + 'static>() -> Option<f64> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry(TypeId::of::<Q>()).or_insert_with(growth::<Q>)
}

/// Fills a queue in a fresh thread: the caches of the allocator are those of a thread.
fn growth<Q: Queue + 'static>() -> Option<f64> {
    thread::spawn(|| {
        let before = resident_bytes()?;
        let queue: &'static Q = Box::leak(Box::new(Q::new(ELEMENTS)));
        (1..=ELEMENTS as u64).for_each(queue.producer());
        let grown = resident_bytes()?.saturating_sub(before);
        Some(grown as f64 / ELEMENTS as f64)
    })
    .join()
    .ok()?
}

/// The resident memory of the process, summed up at the moment of the call.
fn resident_bytes() -> Option<u64> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::LockFreeQueue;

    #[test]
    fn an_element_takes_some_bytes() {
        // Other tests allocate and free at the same time, so only the order is checked.
        if let Some(bytes) = bytes_per_element::<LockFreeQueue<u64>>() {
            assert!(bytes < 1_000.0, "{bytes}");
            assert_eq!(bytes_per_element::<LockFreeQueue<u64>>(), Some(bytes));
        }
    }
}
