//! Hexadecimal text, lower case, two digits a byte.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes the digits of `input` to `output`, which is twice as long.
pub fn encode(input: &[u8], output: &mut [u8]) {
    for (digits, byte) in output.chunks_exact_mut(2).zip(input) {
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// Writes the bytes that the digits stand for to `output`, which is half as long as `input`.
/// Returns `None` when something else than a lower-case digit is found.
pub fn decode(input: &[u8], output: &mut [u8]) -> Option<()> {
    for (byte, digits) in output.iter_mut().zip(input.chunks_exact(2)) {
        *byte = value(digits[0])? << 4 | value(digits[1])?;
    }
    Some(())
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
