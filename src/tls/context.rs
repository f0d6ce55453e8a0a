//! What connections have in common. Configurations are built at their first use and kept until
//! something changes; sessions that have begun keep what they began with.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::session::server_name;
use super::verify::{Verifier, certificates_of_file, roots_of_file, system_roots, wrong_file};
use super::{TlsError, ciphers};

/// Certificate, roots and choices of the connections that are made with it.
#[derive(Debug)]
pub struct Context {
    provider: CryptoProvider,
    certificate: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    roots: Option<Arc<RootCertStore>>,
    /// Of whom a server asks a certificate; nobody's when there are none.
    peers: Option<Arc<RootCertStore>>,
    /// What else than the host may stand in the certificate of a server.
    names: Vec<ServerName<'static>>,
    verify: bool,
    protocols: Vec<Vec<u8>>,
    client: Option<Arc<ClientConfig>>,
    server: Option<Arc<ServerConfig>>,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            provider: ring::default_provider(),
            certificate: None,
            roots: None,
            peers: None,
            names: Vec::new(),
            verify: true,
            protocols: Vec::new(),
            client: None,
            server: None,
        }
    }
}

impl Context {
    /// Sets the certificate chain and the key, both PEM files. A client shows it when asked.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or they do not belong together; nothing changes then.
    pub fn set_certificate(&mut self, chain: &str, key: &str) -> Result<(), TlsError> {
        let certificates = certificates_of_file(chain)?;
        let key_of_file =
            PrivateKeyDer::from_pem_file(key).map_err(|error| wrong_file(key, &error))?;
        let before = self.certificate.replace((certificates, key_of_file));
        self.forget();
        // Building it checks that key and certificate fit.
        if let Err(error) = self.server() {
            self.certificate = before;
            return Err(error);
        }
        Ok(())
    }

    /// Sets whether a client checks its server's certificate.
    pub fn set_verify(&mut self, verify: bool) {
        self.verify = verify;
        self.forget();
    }

    /// Sets the roots that servers are checked with, a PEM file, in the place of the system's.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn set_roots(&mut self, file: &str) -> Result<(), TlsError> {
        self.roots = Some(roots_of_file(file)?);
        self.forget();
        Ok(())
    }

    /// Sets the roots that both ends are checked with, a PEM file: a server asks its client for a
    /// certificate too. Each connection does the whole handshake, so that a certificate that is
    /// good no more is refused.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn set_peers(&mut self, file: &str) -> Result<(), TlsError> {
        let roots = roots_of_file(file)?;
        self.roots = Some(roots.clone());
        self.peers = Some(roots);
        self.forget();
        Ok(())
    }

    /// Sets names of which a server's certificate may have one in the place of the host's. A name
    /// that can be in no certificate counts as none.
    pub fn set_names(&mut self, names: &[String]) {
        self.names = names.iter().filter_map(|name| server_name(name).ok()).collect();
        self.forget();
    }

    /// Sets the cipher suites: names separated by colons.
    ///
    /// # Errors
    ///
    /// When no name is known.
    pub fn set_ciphers(&mut self, list: &str) -> Result<(), TlsError> {
        self.provider.cipher_suites = ciphers::of_list(list)?;
        self.forget();
        Ok(())
    }

    /// Sets the protocols to agree on (ALPN), the favourite first.
    pub fn set_protocols(&mut self, protocols: Vec<Vec<u8>>) {
        self.protocols = protocols;
        self.forget();
    }

    /// Whether clients check their servers.
    pub(super) fn verifies(&self) -> bool {
        self.verify
    }

    fn forget(&mut self) {
        self.client = None;
        self.server = None;
    }

    /// The configuration of a client.
    pub(super) fn client(&mut self) -> Result<Arc<ClientConfig>, TlsError> {
        if let Some(config) = &self.client {
            return Ok(config.clone());
        }
        let provider = Arc::new(self.provider.clone());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let builder = match (self.verify, &self.roots) {
            (true, Some(roots)) if !self.names.is_empty() => {
                let any = Verifier::any_name(provider, roots.clone(), self.names.clone())?;
                builder.dangerous().with_custom_certificate_verifier(any)
            }
            (true, Some(roots)) => builder.with_root_certificates(roots.clone()),
            (true, None) => builder.with_root_certificates(system_roots()?),
            (false, _) => {
                let all = Verifier::accept_all(provider);
                builder.dangerous().with_custom_certificate_verifier(all)
            }
        };
        let mut config = match &self.certificate {
            Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key())?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.protocols.clone();
        if self.peers.is_some() {
            config.resumption = Resumption::disabled();
        }
        Ok(self.client.insert(Arc::new(config)).clone())
    }

    /// The configuration of a server.
    pub(super) fn server(&mut self) -> Result<Arc<ServerConfig>, TlsError> {
        if let Some(config) = &self.server {
            return Ok(config.clone());
        }
        let (chain, key) = self.certificate.as_ref().ok_or(TlsError::NoCertificate)?;
        let provider = Arc::new(self.provider.clone());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let builder = match &self.peers {
            Some(roots) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(roots.clone(), provider)
                    .build()
                    .map_err(|error| rustls::Error::General(error.to_string()))?,
            ),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain.clone(), key.clone_key())?;
        config.alpn_protocols = self.protocols.clone();
        if self.peers.is_some() {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(self.server.insert(Arc::new(config)).clone())
    }
}
