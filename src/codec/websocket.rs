//! WebSocket frames (RFC 6455, no extensions).
//!
//! Callers are the Lua module `http.native` and the fuzz target. Both masked and unmasked frames
//! are understood, and the reserved bits are not looked at: who may send what is the caller's.

/// The longest head of a frame: two bytes, eight of length, four of mask.
pub const HEAD_BYTES_MAX: usize = 14;

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHead {
    /// Whether the message ends with this frame.
    pub fin: bool,
    /// What the frame is: 0 to 15.
    pub opcode: u8,
    /// The key that the payload is masked with.
    pub mask: Option<[u8; 4]>,
    /// Bytes of the payload.
    pub payload: u64,
    /// Bytes of the head itself.
    pub head: usize,
}

/// Reads the head that `bytes` begin with: `None` while it has not arrived.
#[must_use]
pub fn frame_head(bytes: &[u8]) -> Option<FrameHead> {
    let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
    let (payload, rest) = match second & 0x7f {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u64::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u64::from_be_bytes(*length), rest)
        }
        length => (u64::from(length), rest),
    };
    let (mask, rest) = match second & 0x80 {
        0 => (None, rest),
        _ => {
            let (key, rest) = rest.split_first_chunk()?;
            (Some(*key), rest)
        }
    };
    let head = bytes.len() - rest.len();
    Some(FrameHead { fin: first & 0x80 != 0, opcode: first & 0x0f, mask, payload, head })
}

/// Writes the head of a frame that ends its message into `out`, in its shortest form; returns its
/// length.
pub fn write_head(
    opcode: u8,
    payload: usize,
    mask: Option<[u8; 4]>,
    out: &mut [u8; HEAD_BYTES_MAX],
) -> usize {
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        for (place, byte) in out.iter_mut().skip(at).zip(bytes) {
            *place = *byte;
        }
        at += bytes.len();
    };
    let masked = if mask.is_some() { 0x80 } else { 0 };
    put(&[0x80 | (opcode & 0x0f)]);
    match (u8::try_from(payload), u16::try_from(payload)) {
        (Ok(length), _) if length < 126 => put(&[masked | length]),
        (_, Ok(length)) => {
            put(&[masked | 126]);
            put(&length.to_be_bytes());
        }
        _ => {
            put(&[masked | 127]);
            put(&(payload as u64).to_be_bytes());
        }
    }
    if let Some(key) = mask {
        put(&key);
    }
    at
}

/// Masks a payload in place, or unmasks it: it is the same.
pub fn apply_mask(payload: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(opcode: u8, payload: usize, mask: Option<[u8; 4]>) -> Vec<u8> {
        let mut out = [0; HEAD_BYTES_MAX];
        let length = write_head(opcode, payload, mask, &mut out);
        out[..length].to_vec()
    }

    #[test]
    fn heads_have_their_shortest_form() {
        assert_eq!(written(1, 5, None), [0x81, 5]);
        assert_eq!(written(1, 126, None), [0x81, 0x7e, 0, 126]);
        assert_eq!(written(2, 65535, None), [0x82, 0x7e, 255, 255]);
        assert_eq!(written(1, 65536, None), [0x81, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(written(2, 6, Some([1, 2, 3, 4])), [0x82, 0x86, 1, 2, 3, 4]);
    }

    #[test]
    fn every_prefix_of_a_head_is_incomplete() {
        let bytes = written(8, 70_000, Some([9; 4]));
        assert_eq!(bytes.len(), HEAD_BYTES_MAX);
        for length in 0..bytes.len() {
            assert_eq!(frame_head(&bytes[..length]), None);
        }
    }

    #[test]
    fn masking_is_byte_by_byte() {
        let mut text = b"hello, masked world".to_vec();
        apply_mask(&mut text, [1, 2, 3, 4]);
        for (index, (byte, plain)) in text.iter().zip(b"hello, masked world").enumerate() {
            assert_eq!(*byte, plain ^ [1, 2, 3, 4][index % 4]);
        }
    }

    proptest! {
        #[test]
        fn heads_come_back(
            opcode in 0..16_u8, payload in any::<u32>(), mask in any::<Option<[u8; 4]>>(),
        ) {
            let bytes = written(opcode, payload as usize, mask);
            let want = FrameHead {
                fin: true, opcode, mask, payload: u64::from(payload), head: bytes.len(),
            };
            prop_assert_eq!(frame_head(&bytes), Some(want));
        }
    }
}
