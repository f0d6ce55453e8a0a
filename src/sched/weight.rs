//! How many messages a worker handles in one turn. Spec: runtime section 5.3.
//!
//! Some workers are strictly fair (one message, then the next service), others batch: a mix keeps
//! both latency and throughput. The table is the reference's.

/// A worker's weight: how much of a mailbox one turn handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight(i8);

impl Weight {
    /// Returns the weight of the worker with this index.
    pub fn of_worker(index: usize) -> Self {
        Self(match index {
            0..=3 => -1,
            4..=7 => 0,
            8..=15 => 1,
            16..=23 => 2,
            24..=31 => 3,
            _ => 0,
        })
    }

    /// Returns how many messages a turn handles when `left` wait behind the first.
    pub fn messages(self, left: usize) -> usize {
        match u32::try_from(self.0) {
            Ok(shift) => (left >> shift).max(1),
            Err(_) => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(worker: usize, left: usize, expected: usize) {
        assert_eq!(Weight::of_worker(worker).messages(left), expected, "worker {worker}");
    }

    #[test]
    fn the_first_four_workers_handle_one_message_a_turn() {
        check(0, 1000, 1);
        check(3, 1000, 1);
    }

    #[test]
    fn later_workers_handle_all_a_half_a_quarter_an_eighth() {
        check(4, 1000, 1000);
        check(8, 1000, 500);
        check(16, 1000, 250);
        check(24, 1000, 125);
        check(32, 1000, 1000);
    }

    #[test]
    fn a_turn_handles_at_least_one_message() {
        for worker in 0..40 {
            check(worker, 0, 1);
        }
    }
}
