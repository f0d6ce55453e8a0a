//! One end of one connection.
//!
//! The connection itself is made at the first handshake, so that a name can be set before it.
//! What has been decrypted waits in `plain`, what the peer is to be sent in `output`, until the
//! caller has taken them; neither is limited here, since both are as long as what the caller fed.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::pki_types::{IpAddr, Ipv4Addr, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

use super::{Context, TlsError};

/// Which end of a connection a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one that begins.
    Client,
    /// The one that answers.
    Server,
}

#[derive(Debug)]
enum State {
    /// A client before its handshake; whether it needs a name to check with.
    Client {
        config: Arc<ClientConfig>,
        verify: bool,
    },
    /// A server before its handshake.
    Server(Arc<ServerConfig>),
    Begun(Box<Connection>),
    Closed,
}

/// One end of a connection.
#[derive(Debug)]
pub struct Session {
    state: State,
    name: Option<String>,
    plain: Vec<u8>,
    output: Vec<u8>,
    ended: bool,
}

impl Session {
    /// Makes a session that has not begun its handshake. `name` is the host that a client wants.
    ///
    /// # Errors
    ///
    /// When the context lacks what this end needs: a certificate, roots.
    pub fn new(role: Role, context: &mut Context, name: Option<String>) -> Result<Self, TlsError> {
        let state = match role {
            Role::Client => State::Client { config: context.client()?, verify: context.verifies() },
            Role::Server => State::Server(context.server()?),
        };
        Ok(Self { state, name, plain: Vec::new(), output: Vec::new(), ended: false })
    }

    /// Sets the host that a client wants; returns whether that was early enough.
    ///
    /// # Errors
    ///
    /// When the session is closed.
    pub fn set_name(&mut self, name: String) -> Result<bool, TlsError> {
        match self.state {
            State::Closed => Err(TlsError::Closed),
            State::Client { .. } => {
                self.name = Some(name);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Goes on with the handshake, with bytes of the peer. [`Session::output`] has what to send,
    /// also after a failure.
    ///
    /// # Errors
    ///
    /// When the peer fails or is refused, or the handshake is over.
    pub fn handshake(&mut self, bytes: &[u8]) -> Result<(), TlsError> {
        if self.is_finished()? {
            return Err(TlsError::Finished);
        }
        self.begin()?;
        self.feed(bytes)
    }

    /// Tells whether the handshake is over.
    ///
    /// # Errors
    ///
    /// When the session is closed.
    pub fn is_finished(&self) -> Result<bool, TlsError> {
        match &self.state {
            State::Begun(connection) => Ok(!connection.is_handshaking()),
            State::Closed => Err(TlsError::Closed),
            _ => Ok(false),
        }
    }

    /// Decrypts bytes of the peer into [`Session::plain`].
    ///
    /// # Errors
    ///
    /// When the peer breaks the protocol. What came before is still there.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), TlsError> {
        let State::Begun(connection) = &mut self.state else { return self.not_begun() };
        let mut result = Ok(());
        while !bytes.is_empty() && result.is_ok() {
            // It takes some of them; reading from memory does not fail.
            let taken = connection.read_tls(&mut bytes).unwrap_or(0);
            result = connection.process_new_packets().map(|state| {
                self.ended = self.ended || state.peer_has_closed();
            });
            drain(connection, &mut self.plain);
            if taken == 0 {
                break;
            }
        }
        self.flush();
        Ok(result?)
    }

    /// Encrypts bytes into [`Session::output`].
    ///
    /// # Errors
    ///
    /// When the session is closed.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), TlsError> {
        self.begin()?;
        let State::Begun(connection) = &mut self.state else { return Err(TlsError::Closed) };
        // Its buffers have no limit, so it takes all of them, always.
        let _ = connection.writer().write_all(bytes);
        self.flush();
        Ok(())
    }

    /// What has been decrypted and not been taken.
    pub fn plain(&mut self) -> &mut Vec<u8> {
        &mut self.plain
    }

    /// Tells whether the peer has said that it sends nothing more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// What the peer is to be sent.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// The protocol that both ends agreed on (ALPN).
    #[must_use]
    pub fn protocol(&self) -> Option<&[u8]> {
        match &self.state {
            State::Begun(connection) => connection.alpn_protocol(),
            _ => None,
        }
    }

    /// Ends the session. [`Session::output`] has the farewell, unless the peer was first: it has
    /// stopped listening by then, most of the time.
    pub fn close(&mut self) {
        if let State::Begun(connection) = &mut self.state
            && !self.ended
        {
            connection.send_close_notify();
            self.flush();
        }
        self.state = State::Closed;
        self.plain = Vec::new();
    }

    /// Makes the connection, if it has not been made.
    fn begin(&mut self) -> Result<(), TlsError> {
        let mut connection = match &self.state {
            State::Client { config, verify } => {
                let name = name_to_greet(self.name.as_deref(), *verify)?;
                Connection::from(ClientConnection::new(config.clone(), name)?)
            }
            State::Server(config) => Connection::from(ServerConnection::new(config.clone())?),
            State::Begun(_) => return Ok(()),
            State::Closed => return Err(TlsError::Closed),
        };
        connection.set_buffer_limit(None);
        self.state = State::Begun(Box::new(connection));
        self.flush();
        Ok(())
    }

    fn not_begun(&mut self) -> Result<(), TlsError> {
        match self.state {
            State::Closed => Err(TlsError::Closed),
            _ => Ok(()),
        }
    }

    /// Moves what the connection wants to send into `output`.
    fn flush(&mut self) {
        if let State::Begun(connection) = &mut self.state {
            while connection.wants_write() {
                // Writing into memory does not fail.
                let _ = connection.write_tls(&mut self.output);
            }
        }
    }
}

/// Moves what has been decrypted into `plain`.
fn drain(connection: &mut Connection, plain: &mut Vec<u8>) {
    // It ends with "would block", or with an end of the stream that the socket reports as well.
    let _ = connection.reader().read_to_end(plain);
}

/// The name to greet the server with and to check its certificate against.
fn name_to_greet(name: Option<&str>, verify: bool) -> Result<ServerName<'static>, TlsError> {
    match name {
        Some(name) => server_name(name),
        None if verify => Err(TlsError::NoName),
        // An address is not sent to the server.
        None => Ok(ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0, 0, 0, 0])))),
    }
}

/// Reads a host: a name or an address, which may stand in brackets.
pub(super) fn server_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    ServerName::try_from(bare.unwrap_or(name).to_owned())
        .map_err(|_| TlsError::Name(name.to_owned()))
}
