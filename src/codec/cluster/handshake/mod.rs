//! How two ends of a cluster link show each other that they know a shared secret, before any
//! request: the messages and the proofs. docs/src/internals/cluster-handshake.md has the format.
//!
//! ```text
//! caller  hello (version, 32 random bytes, both names)  ->  callee
//!         <-  challenge (version, 32 random bytes)
//!         proof (one for each secret of the caller)     ->
//!         <-  accept (one proof), or refusal (a text)
//! ```
//!
//! A proof is an HMAC-SHA256 over who speaks, the whole hello and the whole challenge. So it is
//! good for this one link (both ends brought fresh random bytes), for one direction (the role is
//! in it), and for what was really said (names and versions are in it).
//!
//! Used by the Lua module `skynet.cluster.native`, which brings the random bytes. Nothing here
//! does I/O, and nothing panics on bytes of strangers.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The first bytes of every message. No node publishes a name that begins like this.
pub const MAGIC: &[u8; 8] = b"ironsky\0";

/// The version that is spoken here.
pub const VERSION: u8 = 1;

/// How many random bytes each end brings.
pub const NONCE: usize = 32;

/// The bytes of a proof.
pub const PROOF: usize = 32;

/// The most secrets that a caller offers proofs of.
pub const SECRETS_MAX: usize = 8;

/// In front of what a proof is made of, so that it is a proof of nothing else.
const LABEL: &[u8] = b"ironsky cluster link";

const HELLO: u8 = 1;
const CHALLENGE: u8 = 2;
const PROOFS: u8 = 3;
const ACCEPT: u8 = 4;
const REFUSAL: u8 = 5;

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// They do not begin as one.
    #[error("it does not speak the handshake")]
    Stranger,
    /// They begin as one and go on otherwise.
    #[error("a broken message of the handshake")]
    Broken,
    /// There is no such version.
    #[error("version {0} of the handshake is not known here")]
    Version(u8),
    /// A name that is too long to be sent.
    #[error("a name of a node is longer than 255 bytes")]
    Name,
}

/// Who gives a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The end that connected.
    Caller,
    /// The end that was connected to.
    Callee,
}

/// What the caller begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// The newest version that the caller speaks.
    pub version: u8,
    /// Fresh random bytes.
    pub nonce: &'a [u8; NONCE],
    /// The caller's name for itself.
    pub from: &'a [u8],
    /// The caller's name for the node that it wants.
    pub to: &'a [u8],
    /// What a later version adds; empty in this one.
    pub rest: &'a [u8],
}

/// A message of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// The caller begins.
    Hello(Hello<'a>),
    /// The callee's random bytes, and the version that both speak from now on.
    Challenge(u8, &'a [u8; NONCE]),
    /// One proof for each secret of the caller.
    Proofs(&'a [[u8; PROOF]]),
    /// The callee's proof, with the secret that both know.
    Accept(&'a [u8; PROOF]),
    /// Why the callee does not want this link.
    Refusal(&'a [u8]),
}

impl<'a> Message<'a> {
    /// Begins a handshake.
    ///
    /// # Errors
    /// When a name is too long.
    pub fn hello(
        nonce: &'a [u8; NONCE],
        from: &'a [u8],
        to: &'a [u8],
    ) -> Result<Self, HandshakeError> {
        match from.len().max(to.len()) <= u8::MAX.into() {
            true => Ok(Self::Hello(Hello { version: VERSION, nonce, from, to, rest: &[] })),
            false => Err(HandshakeError::Name),
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, HandshakeError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(HandshakeError::Stranger)?;
        let (kind, rest) = rest.split_first().ok_or(HandshakeError::Broken)?;
        match *kind {
            HELLO => hello(rest),
            CHALLENGE => challenge(rest),
            PROOFS => proofs(rest),
            ACCEPT => rest.try_into().map(Self::Accept).map_err(|_| HandshakeError::Broken),
            REFUSAL => Ok(Self::Refusal(rest)),
            _ => Err(HandshakeError::Broken),
        }
    }

    /// Writes a message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        match self {
            Self::Hello(hello) => hello.write(&mut bytes),
            Self::Challenge(version, nonce) => {
                bytes.extend([CHALLENGE, *version]);
                bytes.extend(*nonce);
            }
            Self::Proofs(proofs) => {
                bytes.push(PROOFS);
                bytes.extend(proofs.as_flattened());
            }
            Self::Accept(proof) => {
                bytes.push(ACCEPT);
                bytes.extend(*proof);
            }
            Self::Refusal(text) => {
                bytes.push(REFUSAL);
                bytes.extend(*text);
            }
        }
        bytes
    }
}

impl<'a> Hello<'a> {
    /// Reads what stands behind the kind. A later version begins like this one.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&version, rest) = bytes.split_first()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (from, rest) = split_name(rest)?;
        let (to, rest) = split_name(rest)?;
        (version > VERSION || rest.is_empty()).then_some(Self { version, nonce, from, to, rest })
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend([HELLO, self.version]);
        bytes.extend(self.nonce);
        for name in [self.from, self.to] {
            // Names are not longer: `Message::hello` looks, and a read one had such a length.
            bytes.push(name.len() as u8);
            bytes.extend(name);
        }
        bytes.extend(self.rest);
    }
}

/// Splits a name behind its length off.
fn split_name(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, rest) = bytes.split_first()?;
    rest.split_at_checked(len.into())
}

fn hello(bytes: &[u8]) -> Result<Message<'_>, HandshakeError> {
    let hello = Hello::read(bytes).ok_or(HandshakeError::Broken)?;
    match hello.version {
        0 => Err(HandshakeError::Version(0)),
        _ => Ok(Message::Hello(hello)),
    }
}

fn challenge(bytes: &[u8]) -> Result<Message<'_>, HandshakeError> {
    let (&version, nonce) = bytes.split_first().ok_or(HandshakeError::Broken)?;
    match (version, nonce.try_into()) {
        (VERSION, Ok(nonce)) => Ok(Message::Challenge(version, nonce)),
        (VERSION, Err(_)) => Err(HandshakeError::Broken),
        _ => Err(HandshakeError::Version(version)),
    }
}

fn proofs(bytes: &[u8]) -> Result<Message<'_>, HandshakeError> {
    match bytes.as_chunks() {
        (proofs, []) if (1..=SECRETS_MAX).contains(&proofs.len()) => Ok(Message::Proofs(proofs)),
        _ => Err(HandshakeError::Broken),
    }
}

/// What both ends of one link have said: the encoded hello and challenge.
#[derive(Clone, Copy, Debug)]
pub struct Transcript<'a> {
    /// The whole hello.
    pub hello: &'a [u8],
    /// The whole challenge.
    pub challenge: &'a [u8],
}

impl Transcript<'_> {
    /// Returns the message with which a caller shows that it knows these secrets.
    #[must_use]
    pub fn prove(&self, secrets: &[&[u8]]) -> Vec<u8> {
        let secrets = secrets.iter().take(SECRETS_MAX);
        let proofs: Vec<_> = secrets.map(|secret| self.proof(secret, Role::Caller)).collect();
        Message::Proofs(&proofs).encode()
    }

    /// Returns the message that accepts a caller, if one of its proofs fits one of these secrets.
    #[must_use]
    pub fn admit(&self, secrets: &[&[u8]], proofs: &[[u8; PROOF]]) -> Option<Vec<u8>> {
        let fits =
            |secret: &&&[u8]| proofs.iter().any(|proof| self.is_proof(secret, Role::Caller, proof));
        let secret = secrets.iter().find(fits)?;
        Some(Message::Accept(&self.proof(secret, Role::Callee)).encode())
    }

    /// Tells whether the callee knows one of these secrets too.
    #[must_use]
    pub fn is_accepted(&self, secrets: &[&[u8]], proof: &[u8; PROOF]) -> bool {
        secrets.iter().any(|secret| self.is_proof(secret, Role::Callee, proof))
    }

    fn proof(&self, secret: &[u8], role: Role) -> [u8; PROOF] {
        self.mac(secret, role).finalize().into_bytes().into()
    }

    /// Compares in a time that does not depend on where they differ.
    fn is_proof(&self, secret: &[u8], role: Role, proof: &[u8; PROOF]) -> bool {
        self.mac(secret, role).verify_slice(proof).is_ok()
    }

    fn mac(&self, secret: &[u8], role: Role) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length is taken");
        mac.update(LABEL);
        mac.update(match role {
            Role::Caller => b"C",
            Role::Callee => b"S",
        });
        for said in [self.hello, self.challenge] {
            mac.update(&(said.len() as u64).to_be_bytes());
            mac.update(said);
        }
        mac
    }
}

#[cfg(test)]
mod tests;
