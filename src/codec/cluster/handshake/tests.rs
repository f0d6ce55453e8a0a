//! Handshakes that another implementation computed, and those that must fail.

use std::fs;

use serde_json::Value as Json;

use super::*;

fn bytes(row: &Json, key: &str) -> Vec<u8> {
    let hex = row[key].as_str().expect("hex digits");
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits");
    (0..hex.len()).step_by(2).map(digits).collect()
}

fn nonce(row: &Json, key: &str) -> [u8; NONCE] {
    bytes(row, key).try_into().expect("32 bytes")
}

fn texts<'a>(row: &'a Json, key: &str) -> Vec<&'a [u8]> {
    let list = row[key].as_array().expect("a list");
    list.iter().map(|text| text.as_str().expect("a text").as_bytes()).collect()
}

fn vectors() -> Vec<Json> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/cluster_handshake.json");
    let text = fs::read_to_string(path).expect("the file is part of the tree");
    let json: Json = serde_json::from_str(&text).expect("the file is JSON");
    let rows = json["vectors"].as_array().expect("rows").clone();
    assert_eq!(rows.len(), 7);
    rows
}

fn proofs_of(message: &[u8]) -> &[[u8; PROOF]] {
    match Message::decode(message) {
        Ok(Message::Proofs(proofs)) => proofs,
        other => panic!("{other:?}"),
    }
}

fn accepted(transcript: &Transcript<'_>, secrets: &[&[u8]], message: &[u8]) -> bool {
    match Message::decode(message) {
        Ok(Message::Accept(proof)) => transcript.is_accepted(secrets, proof),
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_and_proofs_are_those_of_another_implementation() {
    for row in vectors() {
        let [mine, yours] = ["caller_nonce", "callee_nonce"].map(|key| nonce(&row, key));
        let names = [texts_of(&row, "from"), texts_of(&row, "to")];
        let hello = Message::hello(&mine, names[0], names[1]).expect("short names").encode();
        assert_eq!(hello, bytes(&row, "hello"), "{row}");
        let challenge = Message::Challenge(VERSION, &yours).encode();
        assert_eq!(challenge, bytes(&row, "challenge"), "{row}");
        let transcript = Transcript { hello: &hello, challenge: &challenge };
        let [caller, callee] = ["caller_secrets", "callee_secrets"].map(|key| texts(&row, key));
        let proofs = transcript.prove(&caller);
        assert_eq!(proofs, bytes(&row, "proofs"), "{row}");
        let answer = transcript.admit(&callee, proofs_of(&proofs));
        let wanted = row["accept"].is_string().then(|| bytes(&row, "accept"));
        assert_eq!(answer, wanted, "{row}");
        if let Some(answer) = answer {
            assert!(accepted(&transcript, &caller, &answer), "{row}");
            assert!(!accepted(&transcript, &[b"something else"], &answer), "{row}");
        }
    }
}

fn texts_of<'a>(row: &'a Json, key: &str) -> &'a [u8] {
    row[key].as_str().expect("a text").as_bytes()
}

/// What is said in a handshake between two ends with one secret.
fn said() -> (Vec<u8>, Vec<u8>) {
    let hello = Message::hello(&[1; NONCE], b"me", b"you").expect("short names").encode();
    (hello, Message::Challenge(VERSION, &[2; NONCE]).encode())
}

const SECRET: &[&[u8]] = &[b"the secret of these tests"];

#[test]
fn a_replayed_proof_is_refused() {
    let (hello, challenge) = said();
    let proofs = Transcript { hello: &hello, challenge: &challenge }.prove(SECRET);
    let fresh = Message::Challenge(VERSION, &[3; NONCE]).encode();
    let later = Transcript { hello: &hello, challenge: &fresh };
    assert_eq!(later.admit(SECRET, proofs_of(&proofs)), None);
}

#[test]
fn a_reflected_proof_is_refused() {
    let (hello, challenge) = said();
    let transcript = Transcript { hello: &hello, challenge: &challenge };
    let proofs = transcript.prove(SECRET);
    // The caller gets its own proof back.
    assert!(!transcript.is_accepted(SECRET, &proofs_of(&proofs)[0]));
    // The callee gets its own.
    let accept = transcript.admit(SECRET, proofs_of(&proofs)).expect("it fits");
    let Ok(Message::Accept(proof)) = Message::decode(&accept) else { panic!("an accept") };
    assert_eq!(transcript.admit(SECRET, &[*proof]), None);
}

#[test]
fn what_was_changed_on_the_way_is_noticed() {
    let (hello, challenge) = said();
    let proofs = Transcript { hello: &hello, challenge: &challenge }.prove(SECRET);
    for at in 0..hello.len() {
        let mut changed = hello.clone();
        changed[at] ^= 1;
        let transcript = Transcript { hello: &changed, challenge: &challenge };
        assert_eq!(transcript.admit(SECRET, proofs_of(&proofs)), None, "byte {at}");
    }
    // The border between them belongs to it.
    let (start, end) = hello.split_at(hello.len() - 1);
    let moved = [end, &challenge].concat();
    let transcript = Transcript { hello: start, challenge: &moved };
    assert_eq!(transcript.admit(SECRET, proofs_of(&proofs)), None);
}

#[test]
fn messages_that_are_cut_are_broken() {
    let (hello, challenge) = said();
    let transcript = Transcript { hello: &hello, challenge: &challenge };
    let proofs = transcript.prove(SECRET);
    let accept = transcript.admit(SECRET, proofs_of(&proofs)).expect("it fits");
    for message in [&hello, &challenge, &proofs, &accept] {
        for len in MAGIC.len()..message.len() {
            let cut = Message::decode(&message[..len]);
            assert_eq!(cut, Err(HandshakeError::Broken), "{message:?}, {len} bytes of it");
        }
        let longer = [message.as_slice(), b"x"].concat();
        assert_eq!(Message::decode(&longer), Err(HandshakeError::Broken), "{message:?}");
    }
    assert_eq!(Message::decode(b"ironsky"), Err(HandshakeError::Stranger));
    assert_eq!(Message::decode(b"name not found"), Err(HandshakeError::Stranger));
    assert_eq!(Message::decode(b"ironsky\0\x06"), Err(HandshakeError::Broken));
}

#[test]
fn a_later_version_is_answered_with_this_one() {
    let (mut hello, mut challenge) = said();
    let at = MAGIC.len() + 1;
    hello[at] = VERSION + 1;
    hello.extend(b"something new");
    match Message::decode(&hello) {
        Ok(Message::Hello(read)) => {
            assert_eq!((read.to, read.rest), (&b"you"[..], &b"something new"[..]))
        }
        other => panic!("{other:?}"),
    }
    hello[at] = 0;
    assert!(Message::decode(&hello).is_err());
    challenge[at] = VERSION + 1;
    assert_eq!(Message::decode(&challenge), Err(HandshakeError::Version(VERSION + 1)));
}

#[test]
fn counts_have_limits() {
    let (hello, challenge) = said();
    let transcript = Transcript { hello: &hello, challenge: &challenge };
    let many = [SECRET[0]; SECRETS_MAX + 1];
    assert_eq!(proofs_of(&transcript.prove(&many)).len(), SECRETS_MAX);
    let too_many = Message::Proofs(&[[0; PROOF]; SECRETS_MAX + 1]).encode();
    assert_eq!(Message::decode(&too_many), Err(HandshakeError::Broken));
    assert_eq!(Message::decode(&Message::Proofs(&[]).encode()), Err(HandshakeError::Broken));
    let long = [b'x'; 256];
    assert_eq!(Message::hello(&[0; NONCE], &long, b""), Err(HandshakeError::Name));
    assert!(Message::hello(&[0; NONCE], &long[1..], &long[1..]).is_ok());
}
