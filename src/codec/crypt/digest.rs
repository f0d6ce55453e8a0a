//! SHA-1 and its authentication code.

use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};

/// Returns the SHA-1 sum of some bytes.
pub fn sha1(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}

/// Authenticates some bytes with HMAC-SHA1. A key may have any length.
pub fn hmac_sha1(key: &[u8], bytes: &[u8]) -> [u8; 20] {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("a key of any length is taken");
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}
