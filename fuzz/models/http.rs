//! Bytes that claim to be the head of a request or a response, or the size of a chunk.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs`.

use ironsky::codec::http::{
    CHUNK_LINE_BYTES_MAX, ChunkSize, chunk_size, header_line, request_line, split_head, status_line,
};

/// Reads the bytes as all of them; panics where more bytes behind change what was read.
pub(crate) fn run(bytes: &[u8]) {
    head(bytes);
    let found = chunk_size(bytes);
    if let ChunkSize::Line { size: _, line } = found {
        assert!(line <= bytes.len() && line <= CHUNK_LINE_BYTES_MAX + 2);
        assert_eq!(chunk_size(&bytes[..line]), found);
        assert_eq!(chunk_size(&bytes[..line - 1]), ChunkSize::Incomplete);
    }
}

fn head(bytes: &[u8]) {
    let Some(head) = split_head(bytes) else { return };
    assert!(head.body <= bytes.len());
    assert_eq!(split_head(&bytes[..head.body]), Some(head));
    for line in head.lines {
        assert!(!line.windows(2).any(|pair| pair == b"\r\n"));
        if let Some(request) = request_line(line) {
            assert!(!request.method.is_empty() && !request.version.is_empty());
        }
        let _ = (status_line(line), header_line(line));
    }
}
