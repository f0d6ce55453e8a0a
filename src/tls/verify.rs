//! Trust: the roots that servers are checked with, and checks that are not the usual ones.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::TlsError;

/// Returns the roots of the system, which are read once a process.
pub(super) fn system_roots() -> Result<Arc<RootCertStore>, TlsError> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return Ok(roots.clone());
    }
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let mut why = String::new();
        for error in found.errors.iter().take(1) {
            // Writing into a string does not fail.
            let _ = write!(why, " ({error})");
        }
        return Err(TlsError::NoRoots(why));
    }
    Ok(ROOTS.get_or_init(|| Arc::new(roots)).clone())
}

/// Returns the roots of a PEM file.
pub(super) fn roots_of_file(path: &str) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates_of_file(path)? {
        roots.add(certificate).map_err(|error| wrong_file(path, &error))?;
    }
    Ok(Arc::new(roots))
}

/// Returns the certificates of a PEM file, at least one.
pub(super) fn certificates_of_file(path: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(|error| wrong_file(path, &error))?.collect();
    let certificates = certificates.map_err(|error| wrong_file(path, &error))?;
    match certificates.is_empty() {
        true => Err(wrong_file(path, &"no certificate in it")),
        false => Ok(certificates),
    }
}

/// The error of a file, with its name.
pub(super) fn wrong_file(path: &str, reason: &impl ToString) -> TlsError {
    TlsError::File { path: path.to_owned(), reason: reason.to_string() }
}

/// What a client asks of the certificate of its server.
#[derive(Debug)]
enum Trust {
    /// Nothing.
    Everybody,
    /// What is usual, with the name that was asked for or one of these.
    Names { usual: Arc<WebPkiServerVerifier>, names: Vec<ServerName<'static>> },
}

/// The checks of a client that are not the usual ones. What the server signs is always checked, as
/// the protocol asks.
#[derive(Debug)]
pub(super) struct Verifier {
    provider: Arc<CryptoProvider>,
    trust: Trust,
}

impl Verifier {
    /// Accepts every certificate.
    pub(super) fn accept_all(provider: Arc<CryptoProvider>) -> Arc<Self> {
        Arc::new(Self { provider, trust: Trust::Everybody })
    }

    /// Accepts a server whose certificate has one of several names: the one that was asked for or
    /// those given here. Everything else is checked as usual.
    pub(super) fn any_name(
        provider: Arc<CryptoProvider>,
        roots: Arc<RootCertStore>,
        names: Vec<ServerName<'static>>,
    ) -> Result<Arc<Self>, TlsError> {
        let usual = WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
        Ok(Arc::new(Self { provider, trust: Trust::Names { usual, names } }))
    }
}

/// Whether an error says that the certificate is somebody else's, and nothing worse.
fn is_wrong_name(error: &Error) -> bool {
    use CertificateError::{NotValidForName, NotValidForNameContext};
    matches!(error, Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Trust::Names { usual, names } = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        let check = |name: &ServerName<'_>| {
            usual.verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
        };
        match check(server_name) {
            Err(error) if is_wrong_name(&error) => {
                names.iter().find_map(|name| check(name).ok()).ok_or(error)
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
