//! Who may connect to a node of a cluster: shared secrets and TLS, between two real nodes.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::common::DEADLINE;
use crate::common::nodes::Runtime::{self, Ours};
use crate::common::nodes::{Node, free_ports};
use crate::common::programs::output;

const SECRET: &str = "cluster_secret = 'the secret of these tests'\n";
const OTHER: &str = "cluster_secret = 'the secret of other tests'\n";

/// The ports of both nodes, for the config.
fn ports_config() -> (u16, String) {
    let [server, client] = free_ports();
    (server, format!("harbor = 0\nserver_port = {server}\nclient_port = {client}\n"))
}

/// The whole script of two nodes, each with lines of its own in the config.
fn call_each_other(server: &str, client: &str) {
    let (_, ports) = ports_config();
    let node = Node::start(&Ours, "cluster_server", &format!("{ports}{server}"));
    node.wait_for("READY");
    let mut caller = Node::start(&Ours, "cluster_client", &format!("{ports}{client}"));
    caller.expect_pass(&node.read("log"));
    for node in [&node, &caller] {
        let log = node.read("log");
        assert!(!log.contains("refused"), "{log}");
    }
}

/// One call that must fail, with such an error; the callee logs such a refusal.
#[track_caller]
fn refused(server: &str, client: &str, error: &str, logged: &str) {
    let (_, ports) = ports_config();
    let node = Node::start(&Ours, "cluster_server", &format!("{ports}{server}"));
    node.wait_for("READY");
    let caller = Node::start(&Ours, "cluster_caller", &format!("{ports}{client}"));
    let called = caller.wait_for("CALLED");
    assert!(called.starts_with("CALLED false"), "{called}");
    assert!(called.contains(error), "{called}\n{}", node.read("log"));
    assert!(called.contains("node server"), "{called}");
    node.wait_for("cluster: refused 127.0.0.1:");
    node.wait_for(logged);
}

#[test]
fn nodes_with_a_secret_call_each_other() {
    call_each_other(SECRET, SECRET);
}

#[test]
fn a_secret_changes_node_by_node() {
    let both = "cluster_secret = 'the secret of other tests\\nthe secret of these tests'\n";
    for (server, client) in [(SECRET, both), (both, SECRET), (both, OTHER), (OTHER, both)] {
        call_each_other(server, client);
    }
}

#[test]
fn a_secret_comes_from_a_file_and_can_be_replaced_there() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    write_secret(&file, "the secret of the first day\n", 0o600);
    let config = format!("cluster_secret_file = '{}'\n", file.display());
    let (_, ports) = ports_config();
    let node = Node::start(&Ours, "cluster_server", &format!("{ports}{config}"));
    node.wait_for("READY");
    assert!(!node.read("log").contains("every user of this machine"));
    // The node that runs takes the new one.
    write_secret(&file, "the secret of the second day\n", 0o644);
    let config = format!("cluster_secret = 'the secret of the second day'\n{ports}");
    let mut caller = Node::start(&Ours, "cluster_client", &config);
    // It calls back, which is what shows that the server's own links have it too.
    caller.expect_pass(&node.read("log"));
    let late = Node::start(
        &Ours,
        "cluster_server",
        &format!("{ports}cluster_secret_file = '{}'\n", file.display()),
    );
    late.wait_for("cluster_secret_file: every user of this machine may read");
}

fn write_secret(file: &Path, text: &str, mode: u32) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_wrong_secret_is_refused() {
    let why = "its shared secret is another one (cluster_secret)";
    refused(SECRET, OTHER, &format!("it refuses this node: {why}"), why);
}

#[test]
fn a_caller_without_the_secret_is_refused() {
    let error = "a shared secret is asked for here, set the same one there (cluster_secret)";
    refused(SECRET, "", error, "it has no shared secret (cluster_secret)");
}

#[test]
fn a_callee_without_the_secret_is_refused() {
    let why = "no shared secret is set here, but one is asked for there (cluster_secret)";
    refused("", SECRET, &format!("it refuses this node: {why}"), why);
}

#[test]
fn nodes_of_skynet_are_told_apart_from_those_with_the_secret() {
    let Some(reference) = Runtime::reference() else {
        eprintln!("skipped: IRONSKY_REFERENCE is not set");
        return;
    };
    let (_, ports) = ports_config();
    let server = Node::start(&reference, "cluster_server", &ports);
    server.wait_for("READY");
    let caller = Node::start(&Ours, "cluster_caller", &format!("{ports}{SECRET}"));
    let called = caller.wait_for("CALLED false");
    assert!(called.contains("it does not ask for the shared secret that is set here"), "{called}");
    drop(server);
    let server = Node::start(&Ours, "cluster_server", &format!("{ports}{SECRET}"));
    server.wait_for("READY");
    let caller = Node::start(&reference, "cluster_caller", &ports);
    caller.wait_for("CALLED false");
    caller.wait_for("a shared secret is asked for here, set the same one there (cluster_secret)");
    server.wait_for("it has no shared secret (cluster_secret)");
}

/// The certificates that the example makes, for these nodes; nothing where openssl is missing.
fn certificates(nodes: &[&str]) -> Option<TempDir> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cluster/certificates.sh");
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: openssl is not here");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let output = output(Command::new("sh").arg(script).arg(dir.path()).args(nodes));
    assert!(output.status.success(), "{output:?}");
    Some(dir)
}

/// The lines of the config for a node with the certificate of that name.
fn tls(dir: &TempDir, name: &str) -> String {
    let dir = dir.path().display();
    format!(
        "cluster_tls_cert = '{dir}/{name}.pem'\ncluster_tls_key = '{dir}/{name}-key.pem'\n\
         cluster_tls_ca = '{dir}/ca.pem'\n"
    )
}

#[test]
fn nodes_with_tls_call_each_other() {
    let Some(dir) = certificates(&["server", "client"]) else { return };
    let (server, client) = (tls(&dir, "server"), tls(&dir, "client"));
    call_each_other(&server, &client);
    call_each_other(&format!("{server}{SECRET}"), &format!("{client}{SECRET}"));
    let why = "its shared secret is another one (cluster_secret)";
    refused(&format!("{server}{SECRET}"), &format!("{client}{OTHER}"), why, why);
}

#[test]
fn certificates_of_another_authority_are_refused() {
    let Some(ours) = certificates(&["server", "client"]) else { return };
    let Some(theirs) = certificates(&["server", "client"]) else { return };
    // The caller does not trust the callee.
    let (server, client) = (tls(&ours, "server"), tls(&theirs, "client"));
    refused(&server, &client, "TLS: invalid peer certificate", "TLS: received fatal alert");
    // The callee does not trust the caller.
    let folder = |dir: &TempDir| dir.path().display().to_string();
    let client = client.replace(
        &format!("cluster_tls_ca = '{}", folder(&theirs)),
        &format!("cluster_tls_ca = '{}", folder(&ours)),
    );
    refused(&server, &client, "TLS: received fatal alert", "TLS: invalid peer certificate");
}

#[test]
fn a_certificate_of_another_node_is_refused() {
    let Some(dir) = certificates(&["game", "client"]) else { return };
    let (server, client) = (tls(&dir, "game"), tls(&dir, "client"));
    let error = "certificate not valid for name";
    refused(&server, &client, error, "TLS: received fatal alert");
}

#[test]
fn tls_and_plain_do_not_mix() {
    let Some(dir) = certificates(&["server", "client"]) else { return };
    let (server, client) = (tls(&dir, "server"), tls(&dir, "client"));
    let error =
        "it refuses this node: TLS is asked for here, set its keys there too (cluster_tls_cert)";
    for plain in ["", SECRET] {
        refused(&server, plain, error, "it does not speak TLS (cluster_tls_cert)");
    }
    let (_, ports) = ports_config();
    let node = Node::start(&Ours, "cluster_server", &ports);
    node.wait_for("READY");
    let caller = Node::start(&Ours, "cluster_caller", &format!("{ports}{client}"));
    let called = caller.wait_for("CALLED false");
    let error = "closed by the peer before its TLS handshake (cluster_tls_cert)";
    assert!(called.contains(error), "{called}");
}

#[test]
fn openssl_without_a_certificate_is_refused() {
    let Some(dir) = certificates(&["server"]) else { return };
    let (port, ports) = ports_config();
    let node = Node::start(&Ours, "cluster_server", &format!("{ports}{}", tls(&dir, "server")));
    node.wait_for("READY");
    let address = format!("127.0.0.1:{port}");
    output(Command::new("openssl").args(["s_client", "-connect", &address, "-quiet"]));
    node.wait_for("cluster: refused 127.0.0.1");
    node.wait_for("TLS: peer sent no certificates");
}

#[test]
fn strangers_are_closed_when_the_time_is_over() {
    let (port, ports) = ports_config();
    let config = format!("{ports}{SECRET}cluster_connect_timeout = 0.3\n");
    let node = Node::start(&Ours, "cluster_server", &config);
    node.wait_for("READY");
    let mut stranger = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stranger.write_all(b"\0").unwrap();
    stranger.set_read_timeout(Some(DEADLINE)).unwrap();
    // The end may be a reset: the byte may not have been read.
    let _ = stranger.read_to_end(&mut Vec::new());
    node.wait_for("no handshake after 0.3 s");
}

#[test]
fn a_key_that_everybody_may_read_is_warned_of() {
    let Some(dir) = certificates(&["server"]) else { return };
    let key = dir.path().join("server-key.pem");
    let (_, ports) = ports_config();
    for (mode, warned) in [(0o600, false), (0o644, true)] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let node = Node::start(&Ours, "cluster_server", &format!("{ports}{}", tls(&dir, "server")));
        node.wait_for("READY");
        let warning = "cluster_tls_key: every user of this machine may read";
        assert_eq!(node.read("log").contains(warning), warned, "{mode:o}");
    }
}

/// The start of a node with these lines fails, and says so.
#[track_caller]
fn fails_to_start(config: &str, said: &str) {
    let (_, ports) = ports_config();
    let node = Node::start(&Ours, "cluster_server", &format!("{ports}{config}"));
    node.wait_for(said);
    assert!(!node.read("log").contains("READY"));
}

#[test]
fn wrong_settings_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().display();
    write_secret(&dir.path().join("empty"), "\n", 0o600);
    write_secret(&dir.path().join("short"), "sesame\n", 0o600);
    let file = |name: &str| format!("cluster_secret_file = '{path}/{name}'\n");
    fails_to_start(&file("missing"), &format!("cluster_secret_file: {path}/missing: No such file"));
    fails_to_start(
        &file("empty"),
        &format!("cluster_secret_file: {path}/empty: there is no secret"),
    );
    fails_to_start(&file("short"), "a secret has 6 bytes, it must have at least 16");
    fails_to_start(&file(""), "cluster_secret_file: ");
    fails_to_start("cluster_secret = ''\n", "cluster_secret: there is no secret in it");
    fails_to_start(&format!("{SECRET}{}", file("short")), "are both set, but only one may be");
    fails_to_start("cluster_tls_ca = 'ca.pem'\n", "cluster_tls_cert is not set: TLS between nodes");
    let tls = "cluster_tls_cert = 'none.pem'\ncluster_tls_key = 'none.pem'\ncluster_tls_ca = 'x'\n";
    fails_to_start(tls, "cluster_tls_cert and cluster_tls_key: none.pem");
}

#[test]
fn an_open_listener_is_warned_of_once() {
    let warning = "warning: cluster: whoever can connect to";
    let (_, ports) = ports_config();
    let open = Node::start(&Ours, "cluster_open", &ports);
    open.wait_for("READY");
    let log = open.read("log");
    assert_eq!(log.matches(warning).count(), 1, "{log}");
    assert!(log.contains("Set cluster_secret_file, or cluster_tls_cert"), "{log}");
    let closed = Node::start(&Ours, "cluster_open", &format!("{ports}{SECRET}"));
    closed.wait_for("READY");
    assert!(!closed.read("log").contains(warning));
}
