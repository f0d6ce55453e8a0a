//! Pins threads to cores.
//!
//! Called by the scheduler for its workers, and by the node to choose the number of workers.
//! A core is an index into the cores that this process may use (what `taskset` or the container
//! left), in the order of the operating system; on an unrestricted machine that is its number.

use std::num::NonZero;
use std::sync::OnceLock;

use core_affinity::CoreId;
use thiserror::Error;

/// Why a thread could not be pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AffinityError {
    /// The system does not say which cores this process may use.
    #[error("cannot pin to core {core}: the system does not list its cores")]
    Unsupported {
        /// The core asked for.
        core: usize,
    },
    /// The index is past the last usable core.
    #[error("cannot pin to core {core}: this process may use cores 0 to {last}")]
    NoSuchCore {
        /// The core asked for.
        core: usize,
        /// The last index that exists.
        last: usize,
    },
    /// The system refused.
    #[error("the system refused to pin the thread to core {core}")]
    Refused {
        /// The core asked for.
        core: usize,
    },
}

/// Returns how many threads can run at once (at least 1): usable cores, less what a quota takes.
#[must_use]
pub fn cores() -> usize {
    machine().parallelism
}

/// Pins the calling thread to the usable core with this index.
///
/// # Errors
///
/// [`AffinityError`] names the core and says why it cannot be had.
pub fn pin_current(core: usize) -> Result<(), AffinityError> {
    let usable = &machine().usable;
    let last = usable.len().checked_sub(1).ok_or(AffinityError::Unsupported { core })?;
    let id = *usable.get(core).ok_or(AffinityError::NoSuchCore { core, last })?;
    if core_affinity::set_for_current(id) { Ok(()) } else { Err(AffinityError::Refused { core }) }
}

/// What the process may use, as it was at the first call: a pinned thread only sees its own core.
struct Machine {
    parallelism: usize,
    usable: Vec<CoreId>,
}

fn machine() -> &'static Machine {
    static MACHINE: OnceLock<Machine> = OnceLock::new();
    MACHINE.get_or_init(|| Machine {
        parallelism: std::thread::available_parallelism().map_or(1, NonZero::get),
        usable: core_affinity::get_core_ids().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_core() {
        assert!(cores() >= 1);
    }

    #[test]
    fn a_thread_can_be_pinned_and_pinned_elsewhere() {
        let last = machine().usable.len() - 1;
        std::thread::spawn(move || {
            assert_eq!(pin_current(0), Ok(()));
            assert_eq!(std::thread::available_parallelism().unwrap().get(), 1);
            assert_eq!(pin_current(last), Ok(()));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_core_that_does_not_exist_is_named() {
        let last = machine().usable.len() - 1;
        let error = pin_current(last + 1).unwrap_err();
        assert_eq!(error, AffinityError::NoSuchCore { core: last + 1, last });
        assert!(error.to_string().contains(&format!("core {}", last + 1)));
    }
}
