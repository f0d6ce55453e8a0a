//! Two sessions that talk to each other, and hostile bytes.

use super::*;

fn file(name: &str) -> String {
    format!("{}/tests/vectors/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn server_context(certificate: &str) -> Context {
    let mut context = Context::default();
    let key = file(&format!("{certificate}-key.pem"));
    context.set_certificate(&file(&format!("{certificate}.pem")), &key).unwrap();
    context
}

fn client_context() -> Context {
    let mut context = Context::default();
    context.set_roots(&file("ca.pem")).unwrap();
    context
}

struct Pair {
    client: Session,
    server: Session,
}

impl Pair {
    fn new(client: &mut Context, server: &mut Context, name: Option<&str>) -> Self {
        let name = name.map(str::to_owned);
        Self {
            client: Session::new(Role::Client, client, name).unwrap(),
            server: Session::new(Role::Server, server, None).unwrap(),
        }
    }

    fn shake_hands(&mut self) -> Result<(), TlsError> {
        self.client.handshake(b"")?;
        for _ in 0..10 {
            let bytes = std::mem::take(self.client.output());
            step(&mut self.server, &bytes)?;
            let bytes = std::mem::take(self.server.output());
            step(&mut self.client, &bytes)?;
        }
        Ok(())
    }
}

/// Gives a session bytes in the way that fits its state.
fn step(session: &mut Session, bytes: &[u8]) -> Result<(), TlsError> {
    match session.is_finished()? {
        true => session.feed(bytes),
        false => session.handshake(bytes),
    }
}

fn said(context: &mut Context, certificate: &str, name: Option<&str>) -> String {
    let mut pair = Pair::new(context, &mut server_context(certificate), name);
    pair.shake_hands().map_or_else(|error| error.to_string(), |()| "agreed".to_owned())
}

#[test]
fn both_ends_understand_each_other() {
    let mut pair =
        Pair::new(&mut client_context(), &mut server_context("server"), Some("localhost"));
    pair.shake_hands().unwrap();
    assert!(pair.client.is_finished().unwrap() && pair.server.is_finished().unwrap());
    let long = vec![7; 1_000_000];
    pair.client.write(&long).unwrap();
    let bytes = std::mem::take(pair.client.output());
    for piece in bytes.chunks(999) {
        pair.server.feed(piece).unwrap();
    }
    assert!(*pair.server.plain() == long);
    assert!(matches!(pair.client.handshake(b""), Err(TlsError::Finished)));
}

#[test]
fn a_client_checks_chain_and_name() {
    let trusting = &mut client_context();
    assert_eq!(said(trusting, "server", Some("localhost")), "agreed");
    assert_eq!(said(trusting, "server", Some("127.0.0.1")), "agreed");
    assert_eq!(said(trusting, "server", Some("[::1]")), "agreed");
    assert!(said(trusting, "other", Some("localhost")).contains("not valid for name"));
    assert!(said(trusting, "server", None).starts_with("no host name to check"));
    assert_eq!(said(trusting, "server", Some("no host")), "'no host' is no host name");
    let other_roots = &mut Context::default();
    other_roots.set_roots(&file("other.pem")).unwrap();
    assert!(said(other_roots, "server", Some("localhost")).contains("UnknownIssuer"));
}

#[test]
fn a_client_that_does_not_check_takes_anything() {
    let context = &mut Context::default();
    context.set_verify(false);
    assert_eq!(said(context, "other", Some("localhost")), "agreed");
    assert_eq!(said(context, "other", None), "agreed");
}

#[test]
fn protocols_are_agreed_on() {
    let (mut client, mut server) = (client_context(), server_context("server"));
    client.set_protocols(vec![b"h2".to_vec(), b"http/1.1".to_vec()]);
    server.set_protocols(vec![b"http/1.1".to_vec()]);
    let mut pair = Pair::new(&mut client, &mut server, Some("localhost"));
    pair.shake_hands().unwrap();
    assert_eq!(pair.client.protocol(), Some(b"http/1.1".as_slice()));
    assert_eq!(pair.server.protocol(), pair.client.protocol());
}

#[test]
fn ciphers_have_the_names_of_openssl_and_of_the_standard() {
    let names = ["ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_256_GCM_SHA384:nonsense"];
    let standard = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,ECDHE-RSA-CHACHA20-POLY1305";
    for list in [names[0], names[1], standard] {
        let context = &mut client_context();
        context.set_ciphers(list).unwrap();
        assert_eq!(said(context, "server", Some("localhost")), "agreed", "{list}");
    }
    let error = client_context().set_ciphers("HIGH").unwrap_err();
    assert_eq!(error.to_string(), "no known cipher in 'HIGH'");
}

#[test]
fn files_that_are_wrong_are_named() {
    let context = &mut Context::default();
    let (chain, key) = (file("server.pem"), file("server-key.pem"));
    let cases = [
        (file("missing.pem"), key.clone(), "missing.pem: "),
        (key.clone(), key, "no certificate in it"),
        (chain.clone(), file("missing.pem"), "missing.pem: "),
        (chain, file("other-key.pem"), "keys"),
    ];
    for (chain, key, text) in cases {
        let error = context.set_certificate(&chain, &key).unwrap_err().to_string();
        assert!(error.to_lowercase().contains(text), "{error}");
    }
    let error = Session::new(Role::Server, context, None).unwrap_err();
    assert!(matches!(error, TlsError::NoCertificate));
}

#[test]
fn garbage_and_truncated_handshakes_are_refused() {
    let mut server = Session::new(Role::Server, &mut server_context("server"), None).unwrap();
    let error = server.handshake(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap_err();
    assert!(matches!(error, TlsError::Protocol(_)));
    assert!(!server.output().is_empty(), "the alert for the peer");

    let mut pair =
        Pair::new(&mut client_context(), &mut server_context("server"), Some("localhost"));
    pair.client.handshake(b"").unwrap();
    let hello = std::mem::take(pair.client.output());
    for byte in &hello[..hello.len() - 1] {
        pair.server.handshake(std::slice::from_ref(byte)).unwrap();
        assert!(pair.server.output().is_empty());
    }
}

#[test]
fn after_the_end_nothing_works() {
    let mut pair =
        Pair::new(&mut client_context(), &mut server_context("server"), Some("localhost"));
    pair.shake_hands().unwrap();
    pair.client.close();
    let farewell = std::mem::take(pair.client.output());
    assert!(!pair.server.has_ended());
    pair.server.feed(&farewell).unwrap();
    assert!(pair.server.has_ended());
    pair.server.close();
    assert!(pair.server.output().is_empty(), "nobody listens any more");
    assert!(!farewell.is_empty());
    for result in [pair.client.write(b"x"), pair.client.feed(b"x"), pair.client.handshake(b"")] {
        assert!(matches!(result, Err(TlsError::Closed)));
    }
}

/// A context of two ends that check each other.
fn mutual(certificate: &str) -> Context {
    let mut context = server_context(certificate);
    context.set_peers(&file("ca.pem")).unwrap();
    context
}

fn said_by(client: &mut Context, server: &mut Context, name: &str) -> String {
    let mut pair = Pair::new(client, server, Some(name));
    pair.shake_hands().map_or_else(|error| error.to_string(), |()| "agreed".to_owned())
}

#[test]
fn a_server_checks_its_client() {
    let server = &mut mutual("server");
    assert_eq!(said_by(&mut mutual("other"), server, "localhost"), "agreed");
    // Twice, because nothing is remembered.
    assert_eq!(said_by(&mut mutual("other"), server, "localhost"), "agreed");
    let without = said_by(&mut client_context(), server, "localhost");
    assert!(without.contains("no certificates"), "{without}");
    let mut stranger = server_context("server");
    stranger.set_peers(&file("other.pem")).unwrap();
    let untrusted = said_by(&mut mutual("other"), &mut stranger, "localhost");
    assert!(untrusted.contains("invalid peer certificate"), "{untrusted}");
    assert!(mutual("server").set_peers(&file("missing.pem")).is_err());
}

#[test]
fn a_client_accepts_one_of_several_names() {
    let client = &mut mutual("server");
    client.set_names(&["example.invalid".to_owned(), "no name!".to_owned()]);
    for (certificate, host) in
        [("server", "localhost"), ("server", "127.0.0.1"), ("other", "10.0.0.2"), ("other", "host")]
    {
        let said = said_by(client, &mut mutual(certificate), host);
        assert_eq!(said, "agreed", "{certificate} {host}");
    }
    let wrong = said_by(client, &mut mutual("server"), "10.0.0.2");
    assert!(wrong.contains("not valid for name"), "{wrong}");
    // A name does not help against an authority that nobody knows.
    let mut strict = server_context("server");
    strict.set_peers(&file("other.pem")).unwrap();
    strict.set_names(&["example.invalid".to_owned()]);
    let untrusted = said_by(&mut strict, &mut mutual("server"), "example.invalid");
    assert!(untrusted.contains("invalid peer certificate"), "{untrusted}");
}
