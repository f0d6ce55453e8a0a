//! Base64 with the standard alphabet. Writing follows the standard; reading is as lenient as the
//! reference is, see [`decode`].

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;

/// Returns the length of the text for so many bytes.
pub fn encoded_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// Writes the text for `input` to `output`, which is [`encoded_len`] long.
pub fn encode(input: &[u8], output: &mut [u8]) {
    STANDARD.encode_slice(input, output).expect("the output has the length of the text");
}

/// Returns how many bytes a text may stand for at most.
pub fn decoded_len_max(text: usize) -> usize {
    text.div_ceil(4) * 3
}

/// Writes the bytes that `text` stands for to `output`, which is [`decoded_len_max`] long, and
/// returns how many they are.
///
/// A text is a row of groups of four characters. Characters that are neither of the alphabet nor
/// `=` are passed over inside a group, and the last group may be short. A group must hold two
/// digits at least, no digit behind a `=`, and no bit that is not used.
pub fn decode(text: &[u8], output: &mut [u8]) -> Option<usize> {
    match STANDARD.decode_slice(text, output) {
        Ok(len) => Some(len),
        Err(_) => decode_leniently(text, output),
    }
}

fn decode_leniently(text: &[u8], output: &mut [u8]) -> Option<usize> {
    let (mut rest, mut len) = (text, 0);
    while !rest.is_empty() {
        let group;
        (group, rest) = Group::read(rest);
        let bytes = group.bytes()?;
        let used = group.digits - 1;
        output.get_mut(len..len + used)?.copy_from_slice(&bytes[..used]);
        len += used;
    }
    Some(len)
}

/// Up to four characters of the alphabet and `=`.
#[derive(Default)]
struct Group {
    /// The digits, six bits each, the first on top of 24.
    bits: u32,
    digits: usize,
    padding: usize,
    /// A digit stands behind a `=`.
    is_mixed: bool,
}

impl Group {
    /// Reads a group; returns what is behind it.
    fn read(text: &[u8]) -> (Group, &[u8]) {
        let mut group = Group::default();
        for (index, character) in text.iter().enumerate() {
            group.take(*character);
            if group.digits + group.padding == 4 {
                return (group, &text[index + 1..]);
            }
        }
        (group, &[])
    }

    fn take(&mut self, character: u8) {
        if character == b'=' {
            self.padding += 1;
        } else if let Some(digit) = value(character) {
            self.is_mixed |= self.padding > 0;
            self.bits |= digit << (18 - 6 * self.digits);
            self.digits += 1;
        }
    }

    /// Returns the three bytes of the group, of which one less than digits are used.
    fn bytes(&self) -> Option<[u8; 3]> {
        let [_, bytes @ ..] = self.bits.to_be_bytes();
        let used = self.digits.checked_sub(1).filter(|used| *used > 0)?;
        let is_clean = bytes[used..].iter().all(|byte| *byte == 0);
        (is_clean && !self.is_mixed).then_some(bytes)
    }
}

fn value(character: u8) -> Option<u32> {
    let value = match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}
