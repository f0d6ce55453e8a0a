//! What a stranger says in the place of a login handshake: three lines, which the server decodes
//! with what it has. Whatever they are, it ends with a token or a refusal.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs` with random bytes. The steps are
//! those of `lualib/snax/loginserver.lua`.

use ironsky::codec::crypt::{base64, des, exchange, hash};

const CHALLENGE: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const OWN_KEY: u64 = 0x2827_2625_2423_2221;

fn decoded(line: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![0; base64::decoded_len_max(line.len())];
    let len = base64::decode(line, &mut bytes)?;
    assert!(len <= bytes.len());
    bytes.truncate(len);
    Some(bytes)
}

/// Plays the server's part. Returns the token, if one comes out; with the proof taken as given when
/// `trusting`, so that the last step is reached without knowing the secret.
fn token(lines: &[&[u8]], trusting: bool) -> Option<Vec<u8>> {
    let [key, proof, token, ..] = lines else { return None };
    let key: [u8; 8] = decoded(key)?.try_into().ok()?;
    let secret = exchange::secret(u64::from_le_bytes(key), OWN_KEY).to_le_bytes();
    if decoded(proof)? != hash::hmac64(CHALLENGE, secret) && !trusting {
        return None;
    }
    let text = decoded(token)?;
    // The binding refuses half blocks.
    if text.len() % 8 != 0 {
        return None;
    }
    let mut plain = vec![0; text.len()];
    let len = des::decode(secret, &text, des::Padding::Iso7816, &mut plain)?;
    assert!(len <= plain.len());
    plain.truncate(len);
    Some(plain)
}

/// Reads the lines as a suspicious server and as a trusting one.
pub(crate) fn run(bytes: &[u8]) {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let suspicious = token(&lines, false);
    let trusting = token(&lines, true);
    assert!(suspicious.is_none() || suspicious == trusting);
}
