//! HTTP/1.1 messages: heads and the sizes of chunks.
//!
//! Callers are the Lua module `http.native` and the fuzz targets. What is accepted is what
//! applications rely on, which is neither stricter nor laxer than RFC 9112 but different: a target
//! may hold blanks, a value keeps the blanks at its end, a line that begins with a tab continues
//! the one before. That is why this is not `httparse`, which a test compares it with.
//!
//! Nothing here copies or allocates: results borrow from the input.

mod chunk;
mod head;

pub use chunk::{CHUNK_LINE_BYTES_MAX, ChunkSize, chunk_size};
pub use head::{
    Head, HeaderLine, LINES_MAX, Lines, RequestLine, StatusLine, header_line, request_line,
    split_head, status_line,
};
