//! The hierarchical timer wheel: which timers expire at which tick, and nothing about clocks.
//!
//! `timer` owns one wheel behind a lock and calls it from the timer thread (`advance`) and from
//! whoever sets a timer (`insert`). Ticks are plain numbers, so tests need no clock.
//!
//! Level `k` has 64 slots, each `64^k` ticks wide. A timer sits on the level of the highest
//! six-bit digit in which its expiry differs from `now`, in the slot of the expiry's own digit.
//! Eleven levels cover every 64-bit tick, so nothing ever wraps.
//!
//! # Invariants
//!
//! 1. An occupied slot of level `k` has an index above digit `k` of `now`, and the timers in it
//!    agree with `now` in all higher digits. So lower levels expire before higher ones, and
//!    within a level lower slots before higher ones.
//! 2. A slot lists its timers in the order of setting. A slot is filled from above only at the
//!    moment `now` enters its block (`enter`), when by 1 nothing else can be in it yet, and
//!    re-distribution keeps the order. So timers of one tick fire in the order of setting,
//!    however far ahead each was set.
//! 3. Bit `i` of a level's `occupied` is set exactly when slot `i` has timers, and the slot's
//!    `earliest` is then their least expiry. Timers are never cancelled, so a slot's least
//!    expiry only changes when a timer is added or the whole slot is emptied.
//!
//! By 1 and 3 the next expiry is exact and costs a look at each level, so a thread that sleeps
//! until it never wakes for a mere re-distribution.

/// Bits of a tick that select a slot; 64 slots let one word say which are occupied.
const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
/// Enough six-bit digits for 64 bits.
const LEVELS: usize = 11;
/// An emptied slot keeps room for this many timers (steady load allocates nothing), and gives
/// back what a burst made it grow beyond.
const KEPT_CAPACITY: usize = 64;

/// Timers that carry a `T`, ordered by expiry tick, then by the order of setting.
#[derive(Debug)]
pub struct Wheel<T> {
    /// The tick last processed; every timer expires after it.
    now: u64,
    len: usize,
    levels: Vec<Level<T>>,
}

#[derive(Debug)]
struct Level<T> {
    occupied: u64,
    slots: [Slot<T>; SLOTS],
}

#[derive(Debug)]
struct Slot<T> {
    earliest: u64,
    timers: Vec<Timer<T>>,
}

#[derive(Debug)]
struct Timer<T> {
    expiry: u64,
    item: T,
}

impl<T> Wheel<T> {
    /// Makes an empty wheel that has processed everything up to and including `now_tick`.
    pub fn new(now_tick: u64) -> Self {
        Self { now: now_tick, len: 0, levels: (0..LEVELS).map(|_| Level::new()).collect() }
    }

    /// Returns the tick last processed.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Returns the number of timers that have not fired.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Says whether no timer is waiting.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sets a timer `ticks_from_now` after the tick last processed and returns its expiry.
    ///
    /// Zero counts as one: the tick last processed cannot fire again.
    pub fn insert(&mut self, ticks_from_now: u32, item: T) -> u64 {
        self.insert_at(self.now.saturating_add(u64::from(ticks_from_now)), item)
    }

    /// Sets a timer for tick `expiry` and returns its expiry: the next tick if that has passed.
    ///
    /// This is the form for a caller whose clock is ahead of the wheel, which is normal when
    /// the timer thread sleeps until the next expiry.
    pub fn insert_at(&mut self, expiry: u64, item: T) -> u64 {
        let expiry = expiry.max(self.now.saturating_add(1));
        self.place(Timer { expiry, item });
        self.len += 1;
        expiry
    }

    /// Returns the exact tick of the earliest timer.
    pub fn next_expiry(&self) -> Option<u64> {
        self.levels.iter().find_map(Level::earliest)
    }

    /// Processes all ticks up to and including `to_tick`, handing each expired item to `fire`:
    /// tick by tick, and within a tick in the order of setting.
    ///
    /// A `to_tick` that is not ahead does nothing.
    pub fn advance(&mut self, to_tick: u64, fire: &mut impl FnMut(T)) {
        while let Some(tick) = self.next_expiry().filter(|&tick| tick <= to_tick) {
            self.enter(tick);
            self.fire_now(fire);
        }
        if to_tick > self.now {
            self.enter(to_tick);
        }
    }

    /// Moves `now` to `tick`, before which nothing expires, and brings down the timers of every
    /// block that `now` enters, widest first (invariants 1 and 2).
    fn enter(&mut self, tick: u64) {
        let widest = level_of(self.now, tick);
        self.now = tick;
        for level in (1..=widest).rev() {
            self.cascade(level);
        }
    }

    fn cascade(&mut self, level: usize) {
        let index = digit(self.now, level);
        let mut timers = self.levels[level].take(index);
        for timer in timers.drain(..) {
            self.place(timer);
        }
        self.levels[level].give_back(index, timers);
    }

    fn fire_now(&mut self, fire: &mut impl FnMut(T)) {
        let index = digit(self.now, 0);
        let mut timers = self.levels[0].take(index);
        self.len -= timers.len();
        for timer in timers.drain(..) {
            fire(timer.item);
        }
        self.levels[0].give_back(index, timers);
    }

    fn place(&mut self, timer: Timer<T>) {
        let level = level_of(self.now, timer.expiry);
        self.levels[level].push(digit(timer.expiry, level), timer);
    }
}

impl<T> Level<T> {
    fn new() -> Self {
        Self { occupied: 0, slots: std::array::from_fn(|_| Slot::new()) }
    }

    fn earliest(&self) -> Option<u64> {
        (self.occupied != 0).then(|| self.slots[self.occupied.trailing_zeros() as usize].earliest)
    }

    fn push(&mut self, index: usize, timer: Timer<T>) {
        self.occupied |= 1 << index;
        let slot = &mut self.slots[index];
        slot.earliest = slot.earliest.min(timer.expiry);
        slot.timers.push(timer);
    }

    /// Empties a slot; its storage comes back through `give_back`.
    fn take(&mut self, index: usize) -> Vec<Timer<T>> {
        self.occupied &= !(1 << index);
        let slot = &mut self.slots[index];
        slot.earliest = u64::MAX;
        std::mem::take(&mut slot.timers)
    }

    fn give_back(&mut self, index: usize, storage: Vec<Timer<T>>) {
        debug_assert!(storage.is_empty(), "only emptied storage comes back");
        if storage.capacity() <= KEPT_CAPACITY {
            self.slots[index].timers = storage;
        }
    }
}

impl<T> Slot<T> {
    fn new() -> Self {
        Self { earliest: u64::MAX, timers: Vec::new() }
    }
}

/// The highest digit in which two ticks differ; 0 when they are equal.
fn level_of(now: u64, tick: u64) -> usize {
    ((now ^ tick | 1).ilog2() / DIGIT_BITS) as usize
}

fn digit(tick: u64, level: usize) -> usize {
    (tick >> (DIGIT_BITS * level as u32)) as usize & (SLOTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fired(wheel: &mut Wheel<u32>, to_tick: u64) -> Vec<u32> {
        let mut items = Vec::new();
        wheel.advance(to_tick, &mut |item| items.push(item));
        items
    }

    #[test]
    fn fires_at_its_tick_and_not_before() {
        for ticks in [1, 63, 64, 65, 4095, 4096, 300_000, u32::MAX] {
            let mut wheel = Wheel::new(77);
            let expiry = wheel.insert(ticks, 5);
            assert_eq!(expiry, 77 + u64::from(ticks));
            assert_eq!(fired(&mut wheel, expiry - 1), [0; 0]);
            assert_eq!(wheel.next_expiry(), Some(expiry));
            assert_eq!(fired(&mut wheel, expiry), [5]);
            assert_eq!((wheel.len(), wheel.next_expiry()), (0, None));
        }
    }

    #[test]
    fn one_tick_fires_in_the_order_of_setting() {
        let mut wheel = Wheel::new(0);
        for (order, at) in [0, 0, 200, 299].into_iter().enumerate() {
            assert_eq!(fired(&mut wheel, at), [0; 0]);
            wheel.insert((300 - at) as u32, order as u32);
        }
        assert_eq!(fired(&mut wheel, 300), [0, 1, 2, 3]);
    }

    #[test]
    fn late_catch_up_fires_tick_by_tick() {
        let mut wheel = Wheel::new(10);
        for ticks in [5000, 3, 70, 3] {
            wheel.insert(ticks, ticks);
        }
        assert_eq!(fired(&mut wheel, 1 << 40), [3, 3, 70, 5000]);
    }

    #[test]
    fn passes_the_32_bit_boundary_and_the_highest_bit() {
        for start in [u64::from(u32::MAX) - 2, (1 << 63) - 3] {
            let mut wheel = Wheel::new(start);
            for ticks in [9, 3, 1] {
                wheel.insert(ticks, ticks);
            }
            assert_eq!(fired(&mut wheel, start + 2), [1]);
            assert_eq!(fired(&mut wheel, start + 9), [3, 9]);
        }
    }

    #[test]
    fn a_tick_that_has_passed_means_the_next_one() {
        let mut wheel = Wheel::new(100);
        assert_eq!([wheel.insert_at(40, 1), wheel.insert(0, 2)], [101, 101]);
        assert_eq!(fired(&mut wheel, 50), [0; 0]);
        assert_eq!(wheel.now(), 100);
        assert_eq!(fired(&mut wheel, 101), [1, 2]);
    }

    fn capacity<T>(levels: &[Level<T>]) -> usize {
        let slots = levels.iter().flat_map(|level| &level.slots);
        slots.map(|slot| slot.timers.capacity()).sum()
    }

    #[test]
    fn memory_of_a_burst_is_given_back() {
        let mut wheel = Wheel::new(0);
        for index in 0..200_000 {
            wheel.insert(1 + index % 1000, index);
        }
        wheel.insert(100_000, 0);
        assert_eq!(fired(&mut wheel, 1000).len(), 200_000);
        let kept = capacity(&wheel.levels);
        assert!(kept <= 200 * KEPT_CAPACITY, "still room for {kept}");
    }

    #[test]
    fn steady_load_keeps_its_storage() {
        let mut wheel = Wheel::new(0);
        let turn = |wheel: &mut Wheel<u32>, tick| {
            for item in 0..10 {
                wheel.insert(1, item);
            }
            assert_eq!(fired(wheel, tick).len(), 10);
            capacity(&wheel.levels[..1])
        };
        let warm = (1..=64).map(|tick| turn(&mut wheel, tick)).last();
        let later = (65..=256).map(|tick| turn(&mut wheel, tick)).last();
        assert_eq!(warm, later);
    }

    /// What an observer does to a wheel.
    #[derive(Debug, Clone)]
    enum Step {
        Insert(u32),
        Advance(u64),
    }

    /// Distances of every magnitude, so that every level takes part.
    fn distance() -> impl Strategy<Value = u32> {
        (0..32u32, any::<u32>()).prop_map(|(shift, bits)| (bits >> shift).max(1))
    }

    fn step() -> impl Strategy<Value = Step> {
        let far = distance().prop_map(|ticks| Step::Advance(u64::from(ticks)));
        let near = (0..200u64).prop_map(Step::Advance);
        prop_oneof![6 => distance().prop_map(Step::Insert), 1 => far, 2 => near]
    }

    proptest! {
        #[test]
        fn agrees_with_a_sorted_list(
            start in any::<u32>(),
            steps in prop::collection::vec(step(), 1..200),
        ) {
            let mut wheel = Wheel::new(u64::from(start));
            let mut list: Vec<(u64, u32)> = Vec::new();
            for (order, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Insert(ticks) => {
                        list.push((wheel.insert(ticks, order as u32), order as u32));
                    }
                    Step::Advance(ticks) => {
                        let to = wheel.now() + ticks;
                        list.sort();
                        let due = list.partition_point(|&(expiry, _)| expiry <= to);
                        let expected: Vec<_> = list.drain(..due).map(|timer| timer.1).collect();
                        prop_assert_eq!(fired(&mut wheel, to), expected);
                        prop_assert_eq!(wheel.now(), to);
                    }
                }
                prop_assert_eq!(wheel.next_expiry(), list.iter().map(|&(expiry, _)| expiry).min());
                prop_assert_eq!(wheel.len(), list.len());
            }
        }
    }
}
