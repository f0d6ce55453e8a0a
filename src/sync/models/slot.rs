//! The next slot: whoever takes the value has it alone and sees what was put into it.

use std::sync::Arc;

use super::{Guarded, explore, together};
use crate::sync::next_slot::NextSlot;

/// A slot, and how often each value was taken out of it.
struct Place {
    slot: NextSlot<Guarded>,
    taken: [Arc<Guarded>; 2],
}

impl Place {
    fn new() -> Arc<Self> {
        let place =
            Self { slot: NextSlot::new(), taken: [(); 2].map(|()| Arc::new(Guarded::new())) };
        assert!(!place.slot.is_some());
        assert_eq!(place.slot.puts(), 0);
        Arc::new(place)
    }

    /// Puts a fresh value, written just before.
    fn put(&self, index: usize) {
        self.taken[index].add_one();
        if let Some(earlier) = self.slot.put(Arc::clone(&self.taken[index])) {
            earlier.add_one();
        }
    }

    /// Whoever has a value may write to it: nobody else has it.
    fn take(&self) {
        if let Some(value) = self.slot.take() {
            value.add_one();
        }
    }
}

#[test]
fn worker_and_watcher_never_take_the_same_value() {
    explore(|| {
        let place = Place::new();
        together(
            &place,
            &[
                |place| {
                    place.put(0);
                    place.take();
                },
                Place::take,
            ],
        );
        assert_eq!(place.taken[0].get(), 2);
        assert!(!place.slot.is_some());
    });
}

#[test]
fn a_value_that_is_pushed_out_is_not_lost() {
    explore(|| {
        let place = Place::new();
        together(
            &place,
            &[
                |place| {
                    place.put(0);
                    place.put(1);
                },
                Place::take,
            ],
        );
        place.take();
        assert_eq!((place.taken[0].get(), place.taken[1].get()), (2, 2));
    });
}
