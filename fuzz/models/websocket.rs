//! Bytes that claim to be WebSocket frames: what is read is what would be written.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs` with random and committed bytes.

use ironsky::codec::websocket::{FrameHead, HEAD_BYTES_MAX, apply_mask, frame_head, write_head};

/// Goes from frame to frame; panics where reading and writing disagree.
pub(crate) fn run(bytes: &[u8]) {
    let mut rest = bytes;
    while let Some(head) = frame_head(rest) {
        assert!(head.head <= HEAD_BYTES_MAX && head.head <= rest.len());
        written_again(head);
        let end = usize::try_from(head.payload).ok().and_then(|size| size.checked_add(head.head));
        let Some((frame, next)) = end.and_then(|end| rest.split_at_checked(end)) else { return };
        masked_twice(frame.get(head.head..).unwrap_or_default(), head.mask);
        rest = next;
    }
    assert!(rest.len() < HEAD_BYTES_MAX, "a whole head is read");
}

/// A head that is written has the shortest form, and is read as what it was.
fn written_again(head: FrameHead) {
    let Ok(payload) = usize::try_from(head.payload) else { return };
    let mut out = [0; HEAD_BYTES_MAX];
    let length = write_head(head.opcode, payload, head.mask, &mut out);
    assert!(length <= head.head);
    let again = out.get(..length).and_then(frame_head);
    assert_eq!(again, Some(FrameHead { fin: true, head: length, ..head }));
}

fn masked_twice(payload: &[u8], mask: Option<[u8; 4]>) {
    let Some(key) = mask else { return };
    let mut text = payload.to_vec();
    apply_mask(&mut text, key);
    apply_mask(&mut text, key);
    assert_eq!(text, payload);
}
