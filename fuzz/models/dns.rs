//! Bytes that claim to be a name server's answer, and bytes that claim to be a name.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs`.

use ironsky::codec::dns::{Kind, NAME_MAX, Record, answer, question};

/// Reads an answer, and asks for a name; panics where what was written is not read again.
pub(crate) fn run(bytes: &[u8]) {
    if let Some(answer) = answer(bytes) {
        assert!(answer.name.len() <= NAME_MAX);
        // Each record took its bytes in the packet.
        assert!(answer.records.len() * 4 <= bytes.len());
        for record in &answer.records {
            let Record::Service { target, .. } = record else { continue };
            assert!(target.len() <= NAME_MAX);
        }
    }
    for kind in [Kind::V4, Kind::V6, Kind::Service] {
        let Some(packet) = question(1, bytes, kind) else { continue };
        let name = bytes.strip_suffix(b".").unwrap_or(bytes).to_ascii_lowercase();
        let read = answer(&packet).expect("a question is an answer without records");
        assert_eq!((read.id, read.name, read.kind), (1, name, kind));
        assert!(read.records.is_empty());
    }
}
