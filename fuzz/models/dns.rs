//! Bytes that claim to be a name server's answer, and bytes that claim to be a name.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs`.

use ironsky::codec::dns::{Family, NAME_MAX, answer, question};

/// Reads an answer, and asks for a name; panics where what was written is not read again.
pub(crate) fn run(bytes: &[u8]) {
    if let Some(answer) = answer(bytes) {
        assert!(answer.name.len() <= NAME_MAX);
        // Each address took its bytes in the packet.
        assert!(answer.addresses.len() * 4 <= bytes.len());
    }
    for family in [Family::V4, Family::V6] {
        let Some(packet) = question(1, bytes, family) else { continue };
        let name = bytes.strip_suffix(b".").unwrap_or(bytes).to_ascii_lowercase();
        let read = answer(&packet).expect("a question is an answer without records");
        assert_eq!((read.id, read.name, read.family), (1, name, family));
        assert!(read.addresses.is_empty());
    }
}
