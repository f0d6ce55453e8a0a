//! The line in front of each chunk of a body: its size in hexadecimal digits, and nothing else.

/// The longest line of a chunk size that is waited for.
pub const CHUNK_LINE_BYTES_MAX: usize = 128;

/// What the bytes of a chunked body begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkSize {
    /// A whole line: the size that it says, and its length in bytes.
    Line {
        /// Bytes of data in the chunk; 0 ends the body.
        size: usize,
        /// Bytes up to the data.
        line: usize,
    },
    /// The line has not arrived.
    Incomplete,
    /// No size, or one that no machine can hold.
    Invalid,
}

/// Reads the line that `bytes` begin with. Blanks around the digits are let through.
#[must_use]
pub fn chunk_size(bytes: &[u8]) -> ChunkSize {
    let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") else {
        let full = bytes.len() >= CHUNK_LINE_BYTES_MAX;
        return if full { ChunkSize::Invalid } else { ChunkSize::Incomplete };
    };
    let text = bytes.get(..end).unwrap_or_default().trim_ascii();
    match size_of_text(text) {
        Some(size) if end < CHUNK_LINE_BYTES_MAX => ChunkSize::Line { size, line: end + 2 },
        _ => ChunkSize::Invalid,
    }
}

fn size_of_text(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_usize, |size, digit| {
        let value = char::from(*digit).to_digit(16)?;
        size.checked_mul(16)?.checked_add(value as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let line = |size, line| ChunkSize::Line { size, line };
        assert_eq!(chunk_size(b"0\r\n\r\n"), line(0, 3));
        assert_eq!(chunk_size(b"fF\r\nx"), line(255, 4));
        assert_eq!(chunk_size(b"000a \r\n"), line(10, 7));
        assert_eq!(chunk_size(b"5"), ChunkSize::Incomplete);
        assert_eq!(chunk_size(b"5\r"), ChunkSize::Incomplete);
    }

    #[test]
    fn what_is_no_size() {
        let bomb = [b'1'; CHUNK_LINE_BYTES_MAX];
        for bad in
            [b"zz\r\n".as_slice(), b"5;ext=1\r\n", b"\r\n", b"0x2\r\n", b"-2\r\n", b"+2\r\n", &bomb]
        {
            assert_eq!(chunk_size(bad), ChunkSize::Invalid, "{bad:?}");
        }
        assert_eq!(chunk_size(b"FFFFFFFFFFFFFFFFF\r\n"), ChunkSize::Invalid);
    }
}
