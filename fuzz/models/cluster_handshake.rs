//! Bytes that claim to be a message of the handshake of a cluster link: what is read is written in
//! the same bytes, and no message proves anything to somebody with another secret.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs`.

use ironsky::codec::cluster::handshake::{Message, NONCE, Transcript, VERSION};

const SECRETS: &[&[u8]] = &[b"the secret of this end", b"the one before"];

/// Reads a message; panics where it is written otherwise.
pub(crate) fn run(bytes: &[u8]) {
    let message = match Message::decode(bytes) {
        Ok(message) => message,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert_eq!(message.encode(), bytes);
    let challenge = Message::Challenge(VERSION, &[7; NONCE]).encode();
    let said = Transcript { hello: bytes, challenge: &challenge };
    match message {
        // Whatever the hello says, both ends agree on it.
        Message::Hello(_) => agree(said),
        Message::Proofs(proofs) => assert_eq!(said.admit(SECRETS, proofs), None),
        Message::Accept(proof) => assert!(!said.is_accepted(SECRETS, proof)),
        Message::Challenge(..) | Message::Refusal(_) => {}
    }
}

fn agree(said: Transcript<'_>) {
    let proofs = said.prove(&SECRETS[1..]);
    let Ok(Message::Proofs(list)) = Message::decode(&proofs) else { panic!("these are proofs") };
    assert_eq!(said.admit(&SECRETS[..1], list), None);
    let accept = said.admit(SECRETS, list).expect("one of the secrets fits");
    let Ok(Message::Accept(proof)) = Message::decode(&accept) else { panic!("this is an accept") };
    assert!(said.is_accepted(&SECRETS[1..], proof));
    assert!(!said.is_accepted(&SECRETS[..1], proof));
}
