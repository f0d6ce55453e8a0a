//! What the modules `skynet.crypt` and `md5` compute.
//!
//! Standard algorithms come from crates; what is here is their use and the functions that only
//! skynet has: its text hash, its short authentication codes and its key exchange. All of those
//! protect against accidents and curious players, not against cryptanalysis.
//!
//! Functions with a result of unknown length write into the caller's slice, because the caller
//! lets Lua allocate it.

pub mod base64;
pub mod des;
pub mod digest;
pub mod exchange;
pub mod hash;
pub mod hex;
pub mod md5;

/// Writes `input` xor the repeated key to `output`, which is as long. An empty key changes nothing.
pub fn xor(input: &[u8], key: &[u8], output: &mut [u8]) {
    output.copy_from_slice(input);
    if key.is_empty() {
        return;
    }
    for piece in output.chunks_mut(key.len()) {
        piece.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    }
}
