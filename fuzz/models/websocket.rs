//! Bytes that claim to be a frame of a WebSocket.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs`.

use ironsky::codec::websocket::{HEAD_BYTES_MAX, apply_mask, frame_head, write_head};

/// Reads the head of a frame, and writes it; panics where the two differ.
pub(crate) fn run(bytes: &[u8]) {
    let Some(head) = frame_head(bytes) else { return };
    assert!(head.head <= bytes.len() && head.head <= HEAD_BYTES_MAX);
    for len in 0..head.head {
        assert_eq!(frame_head(&bytes[..len]), None);
    }
    if let Ok(payload) = usize::try_from(head.payload) {
        let mut written = [0; HEAD_BYTES_MAX];
        let len = write_head(head.opcode, payload, head.mask, &mut written);
        let again = frame_head(&written[..len]).expect("what was written can be read");
        assert_eq!((again.opcode, again.mask), (head.opcode, head.mask));
        assert_eq!((again.payload, again.head), (head.payload, len));
        assert!(again.fin && len <= head.head);
    }
    if let Some(key) = head.mask {
        let mut payload = bytes[head.head..].to_vec();
        apply_mask(&mut payload, key);
        apply_mask(&mut payload, key);
        assert_eq!(payload, &bytes[head.head..]);
    }
}
