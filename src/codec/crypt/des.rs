//! Single DES, block by block, with the two paddings that skynet knows.

use ::des::Des;
use ::des::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

/// The length of a block and of a key.
pub const BLOCK: usize = 8;

/// How the last block is filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Padding {
    /// A byte 0x80, then zeros.
    Iso7816,
    /// n bytes of value n.
    Pkcs7,
}

impl Padding {
    /// Returns the padding by its number in Lua.
    pub fn from_number(number: i64) -> Option<Padding> {
        match number {
            0 => Some(Padding::Iso7816),
            1 => Some(Padding::Pkcs7),
            _ => None,
        }
    }

    fn fill(self, gap: &mut [u8]) {
        match self {
            Padding::Iso7816 => {
                gap.fill(0);
                if let [first, ..] = gap {
                    *first = 0x80;
                }
            }
            Padding::Pkcs7 => gap.fill(gap.len() as u8),
        }
    }

    /// Returns how much of the last block is padding.
    fn len_in(self, last: &[u8]) -> Option<usize> {
        match self {
            Padding::Iso7816 => {
                let zeros = last.iter().rev().take_while(|byte| **byte == 0).count();
                (last.iter().rev().nth(zeros) == Some(&0x80)).then_some(zeros + 1)
            }
            Padding::Pkcs7 => {
                let count = usize::from(*last.last()?);
                let is_filled = last.iter().rev().take(count).all(|b| usize::from(*b) == count);
                ((1..=BLOCK).contains(&count) && is_filled).then_some(count)
            }
        }
    }
}

/// Returns the length of the encoded form of so many bytes: there is always padding.
pub fn encoded_len(bytes: usize) -> usize {
    (bytes / BLOCK + 1) * BLOCK
}

/// Encodes `text` into `output`, which is [`encoded_len`] long.
pub fn encode(key: [u8; BLOCK], text: &[u8], padding: Padding, output: &mut [u8]) {
    let (start, gap) = output.split_at_mut(text.len());
    start.copy_from_slice(text);
    padding.fill(gap);
    let cipher = Des::new(&Array(key));
    for block in blocks(output) {
        cipher.encrypt_block(block);
    }
}

/// Decodes `text`, whole blocks, into `output`, which is as long. Returns the length without the
/// padding, `None` if there is no valid padding.
pub fn decode(key: [u8; BLOCK], text: &[u8], padding: Padding, output: &mut [u8]) -> Option<usize> {
    output.copy_from_slice(text);
    let cipher = Des::new(&Array(key));
    for block in blocks(output) {
        cipher.decrypt_block(block);
    }
    let (_, last) = output.split_last_chunk::<BLOCK>()?;
    Some(output.len() - padding.len_in(last)?)
}

fn blocks(bytes: &mut [u8]) -> impl Iterator<Item = &mut Array<u8, ::des::cipher::consts::U8>> {
    let (blocks, _) = bytes.as_chunks_mut::<BLOCK>();
    blocks.iter_mut().map(Into::into)
}
