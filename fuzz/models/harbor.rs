//! Bytes of a connection between harbors: frames come out the same whatever pieces the bytes arrive
//! in, and each is written in the bytes it had.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs`. The first byte is the size of the
//! pieces.

use ironsky::codec::harbor::Stream;

/// Reads frames out of the bytes in pieces and at once; panics where they differ.
pub(crate) fn run(bytes: &[u8]) {
    let Some((piece, bytes)) = bytes.split_first() else { return };
    let whole = frames(bytes, bytes.len().max(1));
    assert_eq!(frames(bytes, usize::from(*piece).max(1)), whole);
    let (frames, failed) = whole;
    let written: Vec<u8> = frames.concat();
    assert!(bytes.starts_with(&written));
    assert!(failed || written.len() <= bytes.len());
}

/// Returns the frames, written again, and whether the stream failed.
fn frames(bytes: &[u8], piece: usize) -> (Vec<Vec<u8>>, bool) {
    let mut stream = Stream::default();
    let mut frames = Vec::new();
    for piece in bytes.chunks(piece) {
        stream.push(piece);
        loop {
            match stream.next_frame() {
                Ok(Some((label, payload))) => {
                    frames.push(label.frame(payload).expect("it had a frame"));
                }
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}
