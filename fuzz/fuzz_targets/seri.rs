//! Bytes from strangers never make the codec panic, and what it reads it can write again.
#![no_main]

use ironsky::codec::seri::{decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(values) = decode(bytes) else { return };
    let written = encode(&values).expect("what was read is within the limits of a writer");
    let read = decode(&written).expect("what was written can be read");
    // Bytes are compared, since a NaN is not equal to itself.
    assert_eq!(encode(&read).expect("as above"), written);
});
