//! MD5, its authentication code, and the stream cipher that the Lua module `md5` builds on it.

use ::md5::{Digest, Md5};
use hmac::{Hmac, KeyInit, Mac};

/// The length of a sum, and of a piece of the cipher.
pub const SUM: usize = 16;
/// The longest seed of the cipher.
pub const SEED_MAX: usize = SUM;

/// Returns the MD5 sum of some bytes.
pub fn sum(bytes: &[u8]) -> [u8; SUM] {
    Md5::digest(bytes).into()
}

/// Authenticates some bytes with HMAC-MD5. A key may have any length.
pub fn hmac(key: &[u8], bytes: &[u8]) -> [u8; SUM] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).expect("a key of any length is taken");
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

/// Encodes `text` into `output`, which is as long. At most [`SEED_MAX`] bytes of the seed count.
pub fn encrypt(text: &[u8], key: &[u8], seed: &[u8], output: &mut [u8]) {
    let mut state = start(seed);
    for (piece, output) in text.chunks(SUM).zip(output.chunks_mut(SUM)) {
        mask(piece, key, &state, output);
        keep(&mut state, output);
    }
}

/// Decodes what [`encrypt`] made.
pub fn decrypt(text: &[u8], key: &[u8], seed: &[u8], output: &mut [u8]) {
    let mut state = start(seed);
    for (piece, output) in text.chunks(SUM).zip(output.chunks_mut(SUM)) {
        mask(piece, key, &state, output);
        keep(&mut state, piece);
    }
}

fn start(seed: &[u8]) -> [u8; SUM] {
    let mut state = [0; SUM];
    keep(&mut state, seed);
    state
}

/// Puts the cipher's last piece in front of the state.
fn keep(state: &mut [u8; SUM], piece: &[u8]) {
    state.iter_mut().zip(piece).for_each(|(state, byte)| *state = *byte);
}

/// Writes a piece xor the sum of state and key.
fn mask(piece: &[u8], key: &[u8], state: &[u8; SUM], output: &mut [u8]) {
    let code: [u8; SUM] = Md5::new().chain_update(state).chain_update(key).finalize().into();
    for ((output, byte), code) in output.iter_mut().zip(piece).zip(code) {
        *output = byte ^ code;
    }
}
