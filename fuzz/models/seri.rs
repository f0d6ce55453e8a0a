//! Bytes that claim to be a message: the decoder reads them or says where they are wrong, and what
//! it reads can be written and read again.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs` with random bytes.

use ironsky::codec::seri::{decode, encode};

/// Decodes, encodes and decodes again; panics where the two readings differ.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(values) = decode(bytes) else { return };
    // A nil key is the end of a table, so no decoded value has one; everything else has a form.
    let written = encode(&values).expect("what was read can be written");
    let again = decode(&written).expect("what was written can be read");
    // Compared as bytes: a NaN is not equal to itself.
    assert_eq!(encode(&again).expect("as above"), written);
}
