//! Nodes under the faults of a network: peers that reset, half-close, do not read, send one byte
//! at a time; and a process without descriptors. The peers are plain sockets of this process.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{DEADLINE, wait_until};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// Echoes lines; writes its port to the file `port`. A line `flood` is answered by 64 MB, `keep`
/// by nothing: such a connection is never closed by the service.
const ECHO: &str = r#"
local skynet = require "skynet"
local socket = require "skynet.socket"

local function serve(id)
	socket.start(id)
	while true do
		local line = socket.readline(id)
		if line == "keep" then
			return
		elseif line == "flood" then
			for _ = 1, 1024 do
				if not socket.write(id, string.rep("x", 65536)) then
					break
				end
			end
		elseif line then
			socket.write(id, line .. "\n")
		else
			break
		end
	end
	socket.close(id)
end

skynet.start(function()
	local id, _, port = socket.listen("127.0.0.1", 0)
	socket.start(id, function(new)
		skynet.fork(serve, new)
	end)
	local file = assert(io.open("port.new", "w"))
	file:write(port)
	file:close()
	os.rename("port.new", "port")
	local standard = socket.stdin()
	while standard do
		local line = socket.readline(standard)
		if not line then
			skynet.error "end of the input"
			break
		end
		skynet.error("typed: " .. line)
	end
end)
"#;

/// A node that echoes; killed at the end.
struct Node {
    dir: TempDir,
    child: Child,
    port: u16,
}

impl Node {
    /// Starts a node with lines for its config, with at most so many descriptors.
    fn start(config: &str, descriptors: Option<u32>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let base = "harbor = 0\nthread = 2\nlogger = 'log'\nluaservice = './?.lua'\n";
        fs::write(path("config"), format!("{base}{config}\n")).unwrap();
        fs::write(path("main.lua"), ECHO).unwrap();
        let limit = descriptors.map_or_else(String::new, |n| format!("ulimit -n {n} && "));
        let script = format!("{limit}exec {} config", env!("CARGO_BIN_EXE_ironsky"));
        let child = Command::new("sh")
            .args(["-c", &script])
            .current_dir(dir.path())
            .stdin(Stdio::piped())
            .stdout(File::create(path("stdout")).unwrap())
            .spawn()
            .unwrap();
        wait_until(|| path("port").exists());
        let port = fs::read_to_string(path("port")).unwrap().trim().parse().unwrap();
        Self { dir, child, port }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Tells whether a new connection is served.
    fn serves(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut answer = [0; 5];
        stream.write_all(b"ping\n").is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && &answer == b"ping\n"
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes the end of a stream a reset.
fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

/// Random numbers from a seed (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Does one of the things that peers do.
fn misbehave(node: &Node, dice: &mut Dice) {
    let mut stream = node.connect();
    match dice.roll(7) {
        0 => reset(stream),
        1 => drop(stream),
        2 => {
            stream.write_all(b"half a line").unwrap();
            reset(stream);
        }
        3 => {
            stream.write_all(b"a line\nand half a line").unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert_eq!(answer, "a line\n");
        }
        4 => {
            for byte in b"byte by byte\n" {
                stream.write_all(&[*byte]).unwrap();
            }
            let mut answer = [0; 13];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"byte by byte\n");
        }
        5 => {
            stream.write_all(b"flood\n").unwrap();
            let mut some = [0; 1000];
            stream.read_exact(&mut some).unwrap();
            reset(stream);
        }
        _ => {
            stream.write_all(b"unread\n").unwrap();
            stream.shutdown(Shutdown::Read).unwrap();
        }
    }
}

#[test]
fn connections_with_random_ends_leave_no_descriptor() {
    let node = Node::start("", None);
    assert!(node.serves());
    wait_until(|| node.serves());
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = since_epoch.as_nanos() as u64 | 1;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let before = {
        let mut count = node.descriptors();
        wait_until(|| {
            let now = node.descriptors();
            std::mem::replace(&mut count, now) == now
        });
        count
    };
    for _ in 0..400 {
        misbehave(&node, &mut dice);
    }
    wait_until(|| node.descriptors() <= before);
    assert!(node.serves());
}

#[test]
fn a_peer_that_never_reads_is_cut_off_at_the_limit() {
    let node = Node::start("socket_unsent_max = 1048576", None);
    let mut stream = node.connect();
    stream.write_all(b"flood\n").unwrap();
    wait_until(|| node.log().contains("socket_unsent_max is 1048576"));
    // What the kernel had taken may still be read; then there is an end.
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.len() < 64 << 20);
    assert!(node.serves());
}

#[test]
fn a_socket_that_nobody_closes_is_closed_after_the_grace_time() {
    let node = Node::start("socket_grace = 1", None);
    assert!(node.serves());
    let mut stream = node.connect();
    stream.write_all(b"keep\n").unwrap();
    drop(stream);
    wait_until(|| node.log().contains("its peer has finished and nobody closed it"));
    assert!(node.serves());
}

#[test]
fn without_descriptors_connections_are_refused_and_then_served_again() {
    let node = Node::start("", Some(256));
    let peers: Vec<_> = (0..400).map(|_| TcpStream::connect(("127.0.0.1", node.port))).collect();
    wait_until(|| node.log().contains("Too many open files"));
    let used = node.descriptors();
    assert!(used >= 240, "{used} descriptors are in use");
    drop(peers);
    wait_until(|| node.serves());
}

#[test]
fn lines_of_the_standard_input_arrive() {
    let mut node = Node::start("", None);
    let mut input = node.child.stdin.take().unwrap();
    input.write_all(b"hello\nworld\n").unwrap();
    wait_until(|| node.log().contains("typed: world"));
    drop(input);
    wait_until(|| node.log().contains("end of the input"));
    assert!(node.log().contains("typed: hello"));
}
