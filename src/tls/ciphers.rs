//! Names of cipher suites, as OpenSSL and as the standards spell them.

use rustls::SupportedCipherSuite;
use rustls::crypto::ring::ALL_CIPHER_SUITES;

use super::TlsError;

/// Returns the suites of a list of names, in its order. Suites of TLS 1.3 that the list does not
/// choose from stay: OpenSSL's lists do not speak of them.
pub(super) fn of_list(list: &str) -> Result<Vec<SupportedCipherSuite>, TlsError> {
    let names = list.split([':', ',', ' ']).map(plain);
    let known = |name: String| {
        ALL_CIPHER_SUITES.iter().find(|suite| plain(format!("{:?}", suite.suite())) == name)
    };
    let mut suites: Vec<SupportedCipherSuite> = names.filter_map(known).copied().collect();
    if suites.is_empty() {
        return Err(TlsError::Ciphers(list.to_owned()));
    }
    if suites.iter().all(|suite| suite.tls13().is_none()) {
        suites.extend(ALL_CIPHER_SUITES.iter().filter(|suite| suite.tls13().is_some()));
    }
    Ok(suites)
}

/// What is left of a name when the spellings' differences are taken away.
fn plain(name: impl AsRef<str>) -> String {
    let name = name.as_ref().to_ascii_uppercase();
    let name = name.strip_prefix("TLS13_").or(name.strip_prefix("TLS_")).unwrap_or(&name);
    let name = name.replace("WITH_", "").replace(['_', '-'], "");
    name.strip_suffix("POLY1305SHA256").map(|start| format!("{start}POLY1305")).unwrap_or(name)
}
