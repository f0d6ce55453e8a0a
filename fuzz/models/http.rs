//! Bytes that claim to be an HTTP message: a head and a chunked body, or refusals, never a panic.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs` with random and committed bytes.

use ironsky::codec::http::{
    CHUNK_LINE_BYTES_MAX, ChunkSize, HeaderLine, chunk_size, header_line, request_line, split_head,
    status_line,
};

/// Takes a message apart; panics where the parts do not fit together.
pub(crate) fn run(bytes: &[u8]) {
    let Some(head) = split_head(bytes) else {
        let ended = bytes.starts_with(b"\r\n") || find(bytes, b"\r\n\r\n").is_some();
        assert!(!ended, "a head that has ended is found");
        return chunks(bytes);
    };
    let length: usize = head.lines.map(|line| line.len() + 2).sum();
    assert_eq!(length + 2, head.body, "the lines and their ends are the head");
    for line in head.lines {
        assert!(find(line, b"\r\n").is_none(), "a line has no end in it");
        look_at(line);
    }
    chunks(bytes.get(head.body..).unwrap_or_default());
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn look_at(line: &[u8]) {
    if let Some(request) = request_line(line) {
        assert!(!request.method.is_empty() && !request.version.is_empty());
        assert!(request.method.len() + request.target.len() + request.version.len() < line.len());
    }
    if let Some(status) = status_line(line) {
        assert!(status.reason.len() < line.len());
    }
    match header_line(line) {
        Some(HeaderLine::Field(name, value)) => {
            assert!(!name.contains(&b':'), "a name ends at the first colon");
            assert!(name.len() + value.len() < line.len());
        }
        Some(HeaderLine::Continued(more)) => assert_eq!(more.len() + 1, line.len()),
        None => {}
    }
}

/// Goes from chunk to chunk.
fn chunks(mut rest: &[u8]) {
    loop {
        match chunk_size(rest) {
            ChunkSize::Line { size, line } => {
                assert!(line <= rest.len() && line <= CHUNK_LINE_BYTES_MAX + 2);
                let next = size.checked_add(line + 2).and_then(|end| rest.get(end..));
                match next {
                    Some(next) if size > 0 => rest = next,
                    _ => return,
                }
            }
            ChunkSize::Incomplete => {
                assert!(rest.len() < CHUNK_LINE_BYTES_MAX, "a long line is not waited for");
                return;
            }
            ChunkSize::Invalid => return,
        }
    }
}
