//! What connections have in common. Configurations are built at their first use and kept until
//! something changes; sessions that have begun keep what they began with.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::verify::{AcceptAll, certificates_of_file, roots_of_file, system_roots, wrong_file};
use super::{TlsError, ciphers};

/// Certificate, roots and choices of the connections that are made with it.
#[derive(Debug)]
pub struct Context {
    provider: CryptoProvider,
    certificate: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    roots: Option<Arc<RootCertStore>>,
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
            (true, Some(roots)) => builder.with_root_certificates(roots.clone()),
            (true, None) => builder.with_root_certificates(system_roots()?),
            (false, _) => {
                let accept = Arc::new(AcceptAll(provider));
                builder.dangerous().with_custom_certificate_verifier(accept)
            }
        };
        let mut config = match &self.certificate {
            Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key())?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.protocols.clone();
        Ok(self.client.insert(Arc::new(config)).clone())
    }

    /// The configuration of a server.
    pub(super) fn server(&mut self) -> Result<Arc<ServerConfig>, TlsError> {
        if let Some(config) = &self.server {
            return Ok(config.clone());
        }
        let (chain, key) = self.certificate.as_ref().ok_or(TlsError::NoCertificate)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(self.provider.clone()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain.clone(), key.clone_key())?;
        config.alpn_protocols = self.protocols.clone();
        Ok(self.server.insert(Arc::new(config)).clone())
    }
}
