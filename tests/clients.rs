//! Clients and servers that we did not write against ours: curl, OpenSSL, Python. A test whose
//! program is not installed says so and passes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "common/programs.rs"]
mod programs;

use programs::{finish, output};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;
use std::{iter, thread};

/// How long a process may be silent before it has said what a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn vector(name: &str) -> PathBuf {
    root().join("tests/vectors/tls").join(name)
}

/// Tells whether a command works, and says so if it does not.
fn is_here(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).output();
    let here = output.is_ok_and(|output| output.status.success());
    if !here {
        println!("skipped: {program} {} does not work here", arguments.join(" "));
    }
    here
}

/// A process that runs until it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a command and returns what stands behind `sign` in the line that has it.
fn start(command: &mut Command, sign: &str) -> (Running, String) {
    let mut child = command
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let running = Running(child);
    let (sender, said) = channel();
    // Reads on when nobody listens any more: a full pipe must not stop the process.
    thread::spawn(move || lines.for_each(|line| drop(sender.send(line.unwrap()))));
    let next = || said.recv_timeout(PATIENCE).ok();
    let rest = iter::from_fn(next).find_map(|line| Some(line.split_once(sign)?.1.to_owned()));
    (running, rest.unwrap_or_else(|| panic!("the process never says '{sign}'")))
}

/// Starts an example on a free port.
fn example(name: &str, port_key: &str, more: &str, sign: &str) -> (Running, String) {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.lua");
    let file = root().join("examples").join(name).join("config.lua");
    std::fs::write(&config, format!("include {file:?}\n{port_key} = 0\n{more}\n")).unwrap();
    start(Command::new(env!("CARGO_BIN_EXE_ironsky")).arg(&config), sign)
}

/// Starts the web server; returns its URL.
fn web(more: &str) -> (Running, String) {
    let (running, rest) = example("web", "web_port", more, "listening on ");
    (running, rest.trim().to_owned())
}

/// Starts the web server with TLS; returns its port.
fn secure_web() -> (Running, String) {
    let more = format!(
        "web_protocol = 'https'\ncertfile = {:?}\nkeyfile = {:?}",
        vector("server.pem"),
        vector("server-key.pem")
    );
    let (running, url) = web(&more);
    let port = url.rsplit_once(':').unwrap().1.to_owned();
    (running, port)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn curl_uses_one_connection_for_several_requests() {
    if !is_here("curl", &["--version"]) {
        return;
    }
    let (_server, url) = web("");
    let urls = [format!("{url}/count?to=3"), format!("{url}/"), format!("{url}/missing")];
    let curl = &mut Command::new("curl");
    let output = output(curl.args(["-s", "-w", "%{http_code} %{num_connects}\n"]).args(&urls));
    let want = "1\n2\n3\n200 1\nHello, World!\n200 0\nno such page\n404 0\n";
    assert_eq!(succeeds(&output), want);
}

#[test]
fn curl_posts() {
    if !is_here("curl", &["--version"]) {
        return;
    }
    let (_server, url) = web("");
    let echo = format!("{url}/echo");
    let body = "x".repeat(1024 * 1024);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("body");
    let post = |bytes: &str, more: &[&str]| {
        std::fs::write(&file, bytes).unwrap();
        let data = format!("@{}", file.display());
        succeeds(&output(
            Command::new("curl").args(["-s", "--data-binary", &data, &echo]).args(more),
        ))
    };
    assert!(post(&body, &[]) == body);
    assert!(post(&body, &["-H", "Transfer-Encoding: chunked"]) == body);
    let status = ["-o", "/dev/null", "-w", "%{http_code}"];
    assert_eq!(post(&format!("{body}x"), &status), "413");
}

#[test]
fn curl_trusts_whom_it_is_told_to() {
    if !is_here("curl", &["--version"]) {
        return;
    }
    let (_server, port) = secure_web();
    let url = format!("https://localhost:{port}/");
    let trusting =
        output(Command::new("curl").arg("-s").arg("--cacert").arg(vector("ca.pem")).arg(&url));
    assert_eq!(succeeds(&trusting), "Hello, World!\n");
    let wary = output(Command::new("curl").args(["-s", &url]));
    assert_eq!(wary.status.code(), Some(60), "the code for an unknown issuer");
}

#[test]
fn openssl_shakes_hands_in_both_versions() {
    if !is_here("openssl", &["version"]) {
        return;
    }
    let (_server, port) = secure_web();
    for version in ["-tls1_2", "-tls1_3"] {
        let mut client = Command::new("openssl")
            .args(["s_client", "-quiet", "-verify_return_error", version])
            .args(["-servername", "localhost", "-connect", &format!("127.0.0.1:{port}")])
            .arg("-CAfile")
            .arg(vector("ca.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = client.stdin.take().unwrap();
        stdin.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
        let output = finish(client);
        drop(stdin);
        assert!(text(&output.stdout).ends_with("Hello, World!\n"), "{version}: {output:?}");
    }
}

/// A service that asks for a URL, logs what it got, and ends the node.
const CLIENT: &str = r#"
local skynet = require "skynet"
require "skynet.manager"
local httpc = require "http.httpc"
skynet.start(function()
    local ok, status, body = pcall(httpc.get, skynet.getenv "target", "/")
    skynet.error("answer:", ok, status, body and body:match "%S[^\r\n]*")
    skynet.abort()
end)
"#;

/// Lets our client ask for the root of `target`; returns what it logged.
fn ask(target: &str, more: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("client.lua"), CLIENT).unwrap();
    let config = dir.path().join("config.lua");
    let folder = dir.path().join("?.lua");
    let lines = format!("harbor = 0\nstart = 'client'\nluaservice = {folder:?}\n");
    std::fs::write(&config, format!("{lines}target = '{target}'\n{more}\n")).unwrap();
    let output = succeeds(&output(Command::new(env!("CARGO_BIN_EXE_ironsky")).arg(&config)));
    output.split_once("answer: ").unwrap().1.lines().next().unwrap().to_owned()
}

#[test]
fn our_client_reads_from_openssl_if_it_trusts_it() {
    if !is_here("openssl", &["version"]) {
        return;
    }
    let server = &mut Command::new("openssl");
    server.args(["s_server", "-www", "-accept", "0", "-cert"]).arg(vector("server.pem"));
    let (_server, address) = start(server.arg("-key").arg(vector("server-key.pem")), "ACCEPT");
    let target = format!("https://localhost:{}", address.trim().rsplit_once(':').unwrap().1);
    let ca = format!("tls_ca = {:?}", vector("ca.pem"));
    assert!(ask(&target, &ca).starts_with("true 200 <HTML>"));
    assert!(ask(&target, "tls_verify = false").starts_with("true 200 <HTML>"));
    let other = format!("tls_ca = {:?}", vector("other.pem"));
    let refused = ask(&target, &other);
    assert!(refused.contains("invalid peer certificate: UnknownIssuer"), "{refused}");
}

#[test]
fn our_client_reads_from_pythons_server() {
    if !is_here("python3", &["-c", "import http.server"]) {
        return;
    }
    let folder = root().join("examples/web");
    let server = &mut Command::new("python3");
    let arguments = ["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory"];
    let (_server, port) = start(server.args(arguments).arg(folder).arg("0"), " port ");
    let port = port.split_whitespace().next().unwrap();
    assert!(ask(&format!("127.0.0.1:{port}"), "").starts_with("true 200 <!DOCTYPE HTML"));
}

/// Python's client: one connection, a chunked upload, a chunked answer; then the same with TLS.
const PYTHON_HTTP: &str = r#"
import http.client, ssl, sys
port, ca = int(sys.argv[1]), sys.argv[2]
if ca:
    context = ssl.create_default_context(cafile=ca)
    connection = http.client.HTTPSConnection("localhost", port, context=context)
else:
    connection = http.client.HTTPConnection("127.0.0.1", port)
def ask(*arguments, **more):
    connection.request(*arguments, **more)
    answer = connection.getresponse()
    return answer.status, answer.read()
assert ask("GET", "/") == (200, b"Hello, World!\n")
first = connection.sock
pieces = [b"one ", b"", b"two " * 10000]
assert ask("POST", "/echo", body=iter(pieces)) == (200, b"".join(pieces))
assert ask("GET", "/count?to=500")[1].split()[-1] == b"500"
assert ask("GET", "/missing")[0] == 404
assert connection.sock is first
assert ask("POST", "/echo", body=b"x" * (1 << 20))[1] == b"x" * (1 << 20)
print("fine")
"#;

#[test]
fn pythons_client_keeps_its_connection() {
    if !is_here("python3", &["-c", "import http.client, ssl"]) {
        return;
    }
    let (_server, url) = web("");
    let (_secure, secure_port) = secure_web();
    let python = |port: &str, ca: &Path| {
        let output = output(Command::new("python3").args(["-c", PYTHON_HTTP, port]).arg(ca));
        assert_eq!(succeeds(&output), "fine\n");
    };
    python(url.rsplit_once(':').unwrap().1, Path::new(""));
    python(&secure_port, &vector("ca.pem"));
}

/// Two guests of the chat room, with the package `websockets`.
const PYTHON_WEBSOCKETS: &str = r#"
import asyncio, sys, websockets
async def main(url):
    async with websockets.connect(url + "alice") as alice:
        async with websockets.connect(url + "bob") as bob:
            assert await alice.recv() == "bob has come"
            for text in ["hello", "", "x" * 126, "y" * 70000]:
                await bob.send(text)
                assert await alice.recv() == "bob: " + text
            await bob.send(["in ", "three ", "parts"])
            assert await alice.recv() == "bob: in three parts"
            await (await alice.ping())
        assert await alice.recv() == "bob has left"
    print("fine")
asyncio.run(main(sys.argv[1]))
"#;

#[test]
fn pythons_websockets_talk_in_the_room() {
    if !is_here("python3", &["-c", "import websockets"]) {
        return;
    }
    let (_room, url) = example("websocket", "room_port", "start = 'room'", "the room is open at ");
    let output = output(Command::new("python3").args(["-c", PYTHON_WEBSOCKETS, url.trim()]));
    assert_eq!(succeeds(&output), "fine\n");
}
