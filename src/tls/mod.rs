//! TLS over memory buffers: bytes of a peer go in, bytes for the peer and plain text come out.
//!
//! A [`Context`] holds what connections have in common (certificate, roots, ciphers), a
//! [`Session`] is one end of one connection. Who moves the bytes is the caller's affair: the Lua
//! module `ltls.c`, with sockets.
//!
//! A client checks the certificate of its server unless its context says otherwise: the chain
//! against the system's roots (or a file's), and the name against the host that was asked for.

mod ciphers;
mod context;
mod session;
mod verify;

pub use context::Context;
pub use session::{Role, Session};

/// Why TLS did not work. The texts are for the person who reads the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The session has been closed.
    #[error("context is closed")]
    Closed,
    /// A handshake after the handshake.
    #[error("handshake is finished")]
    Finished,
    /// A server without a certificate.
    #[error("the server has no certificate: call set_cert first")]
    NoCertificate,
    /// A client that checks certificates and does not know whose.
    #[error("no host name to check the server's certificate with (tls_verify = false: no check)")]
    NoName,
    /// A host name that can be in no certificate.
    #[error("'{0}' is no host name")]
    Name(String),
    /// A PEM file that cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// Which file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The system has no roots.
    #[error("no root certificates on this system{0}; name a file with tls_ca in the config")]
    NoRoots(String),
    /// No name in a list of ciphers is known.
    #[error("no known cipher in '{0}'")]
    Ciphers(String),
    /// The server's certificate is not to be trusted.
    #[error("{0} (tls_verify = false in the config: no check)")]
    Untrusted(rustls::Error),
    /// The peer broke the protocol, or refused.
    #[error(transparent)]
    Protocol(rustls::Error),
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(_) => Self::Untrusted(error),
            _ => Self::Protocol(error),
        }
    }
}

#[cfg(test)]
mod tests;
