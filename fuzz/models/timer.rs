//! A history of timers on the wheel, beside a binary heap.
//!
//! Each operation is a byte and up to eight bytes of a number: set a timer so far ahead or at a
//! tick, advance, look at the next expiry. Both must fire the same timers in the same order.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs` with random histories.

use ironsky::timer::wheel::Wheel;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Timers by expiry, then by the order of setting.
type Heap = BinaryHeap<Reverse<(u64, u32)>>;

/// Plays a history; panics where the wheel and the heap differ.
pub(crate) fn run(bytes: &[u8]) {
    let mut bytes = bytes.iter().copied();
    let start = number(&mut bytes, 3);
    let (mut wheel, mut heap, mut set) = (Wheel::new(start), Heap::new(), 0u32);
    while let Some(byte) = bytes.next() {
        let number = number(&mut bytes, byte >> 2);
        match byte & 3 {
            0 => {
                set += 1;
                let ticks = number as u32;
                let expiry = wheel.insert(ticks, set);
                assert_eq!(expiry, wheel.now().saturating_add(u64::from(ticks.max(1))));
                heap.push(Reverse((expiry, set)));
            }
            1 => {
                set += 1;
                let expiry = wheel.insert_at(number, set);
                assert_eq!(expiry, number.max(wheel.now().saturating_add(1)));
                heap.push(Reverse((expiry, set)));
            }
            2 => advance(&mut wheel, &mut heap, wheel_target(number)),
            _ => {
                let to = wheel.now().saturating_add(number & 0xff_ffff);
                advance(&mut wheel, &mut heap, to);
            }
        }
        assert_eq!(wheel.next_expiry(), heap.peek().map(|Reverse((expiry, _))| *expiry));
        assert_eq!((wheel.len(), wheel.is_empty()), (heap.len(), heap.is_empty()));
    }
}

/// A tick that leaves room for one more: at the last tick of all nothing can be set any more.
fn wheel_target(number: u64) -> u64 {
    number.min(u64::MAX - 1)
}

fn advance(wheel: &mut Wheel<u32>, heap: &mut Heap, to: u64) {
    let mut fired = Vec::new();
    let before = wheel.now();
    wheel.advance(wheel_target(to), &mut |item| fired.push(item));
    assert_eq!(wheel.now(), before.max(wheel_target(to)));
    let mut expected = Vec::new();
    while heap.peek().is_some_and(|Reverse((expiry, _))| *expiry <= wheel.now()) {
        expected.extend(heap.pop().map(|Reverse((_, item))| item));
    }
    assert_eq!(fired, expected);
}

/// Reads a number of up to eight bytes, so that near and far ticks are equally likely.
fn number(bytes: &mut impl Iterator<Item = u8>, len: u8) -> u64 {
    let len = usize::from(len % 9);
    bytes.take(len).fold(0, |number, byte| number << 8 | u64::from(byte))
}
