//! skynet's own hashes: of a text (`hashkey`) and of two 64-bit values (`hmac64`, `hmac64_md5`).
//!
//! A 64-bit value is eight bytes, little-endian.

use md5::block_api::compress;
use md5::{Digest, Md5};

/// The state that MD5 starts with (RFC 1321, 3.3).
const MD5_START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// Hashes a text: two 32-bit hashes side by side.
pub fn hash_key(text: &[u8]) -> [u8; 8] {
    let mut first: u32 = 5381;
    let mut second: u32 = 1_315_423_911;
    for byte in text.iter().map(|byte| u32::from(*byte)) {
        first = first.wrapping_mul(33).wrapping_add(byte);
        second ^= (second << 5).wrapping_add(byte).wrapping_add(second >> 2);
    }
    join(first, second)
}

/// Mixes two values by one MD5 block, without MD5's final addition.
pub fn hmac64(x: [u8; 8], y: [u8; 8]) -> [u8; 8] {
    let mut block = [0; 64];
    for piece in block.chunks_exact_mut(16) {
        piece[..4].copy_from_slice(&x[4..]);
        piece[4..8].copy_from_slice(&x[..4]);
        piece[8..12].copy_from_slice(&y[4..]);
        piece[12..].copy_from_slice(&y[..4]);
    }
    let mut state = MD5_START;
    compress(&mut state, &[block]);
    // The crate has added the start values: take them away again.
    for (word, start) in state.iter_mut().zip(MD5_START) {
        *word = word.wrapping_sub(start);
    }
    let [a, b, c, d] = state;
    join(c ^ d, a ^ b)
}

/// Mixes two values by real MD5, folded to eight bytes.
pub fn hmac64_md5(x: [u8; 8], y: [u8; 8]) -> [u8; 8] {
    let mut hasher = Md5::new();
    for _ in 0..3 {
        hasher.update(x);
        hasher.update(y);
    }
    let sum: [u8; 16] = hasher.finalize().into();
    std::array::from_fn(|index| sum[index] ^ sum[index + 8])
}

/// Authenticates a text with an eight-byte key.
pub fn hmac_hash(key: [u8; 8], text: &[u8]) -> [u8; 8] {
    hmac64(hash_key(text), key)
}

fn join(low: u32, high: u32) -> [u8; 8] {
    (u64::from(high) << 32 | u64::from(low)).to_le_bytes()
}
