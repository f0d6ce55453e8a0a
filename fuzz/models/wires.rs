//! A node that strangers talk to over its ports: whatever they send, it answers the next one.
//!
//! The node runs in this process, so that a fuzzer sees what its native code does; what its Lua
//! services (`clusteragent`, `clustersender`, `cmaster`, `cslave`) do is tested along.
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs`.
//!
//! The first byte says on which wire the others go, as frames: a byte with the length, and so many
//! bytes; the length 255 stands for a part of a large message, filled up.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ironsky::app::App;
use ironsky::codec::harbor::Label;
use ironsky::codec::seri::{Value, encode};
use ironsky::config::Config;
use ironsky::node::Running;

/// Longer than anything takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a part of a large message holds.
const PART: usize = 0x8000;

/// The node under attack, and the ports of it and of its attacker.
struct Target {
    _node: Running,
    cluster: String,
    master: String,
    peer: TcpListener,
    harbor: TcpListener,
}

/// Sends the bytes; panics when the node does not answer afterwards.
pub(crate) fn run(bytes: &[u8]) {
    let Some((wire, bytes)) = bytes.split_first() else { return };
    let target = target();
    let frames = frames(bytes);
    // What goes wrong while the bytes are sent is the attacker's trouble.
    let _ = match wire % 4 {
        0 if wire & 4 != 0 => intrude(&target.cluster, &frames),
        0 => ask(&target.cluster, &frames),
        1 => answer(&target, &frames),
        2 => join(&target.master, &frames),
        _ => be_a_harbor(&target, &frames),
    };
    expect_answer(&target.cluster);
    expect_refusal(&target.master);
}

fn frames(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some((len, rest)) = bytes.split_first() {
        let len = usize::from(*len);
        let mut frame = rest[..len.min(rest.len())].to_vec();
        bytes = &rest[frame.len()..];
        if len == 255 {
            frame.truncate(5);
            frame.resize(5 + PART, 0);
        }
        frames.push(frame);
    }
    frames
}

/// The node, one for all runs, which take turns.
fn target() -> MutexGuard<'static, Target> {
    static TARGET: OnceLock<Mutex<Target>> = OnceLock::new();
    let target = TARGET.get_or_init(|| Mutex::new(start()));
    target.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start() -> Target {
    let listen = || TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = |it: &TcpListener| it.local_addr().expect("it is bound").to_string();
    let (peer, harbor) = (listen(), listen());
    for listener in [&peer, &harbor] {
        listener.set_nonblocking(true).expect("a listener can be polled");
    }
    let [cluster, master, own] = [listen(), listen(), listen()].map(|it| address(&it));
    let models = match env!("CARGO_MANIFEST_DIR") {
        folder if folder.ends_with("fuzz") => format!("{folder}/models/?.lua"),
        folder => format!("{folder}/fuzz/models/?.lua"),
    };
    let config = Config::from_pairs([
        ("harbor", "1"),
        ("thread", "2"),
        ("start", "wires"),
        ("luaservice", &*models),
        ("logger", "/dev/null"),
        ("master", &*master),
        ("standalone", &*master),
        ("address", &*own),
        ("own", &*cluster),
        ("peer", &*address(&peer)),
    ]);
    let node = App::new(config.expect("the config is right")).start().expect("the node starts");
    let target = Target { _node: node, cluster, master, peer, harbor };
    // The ports are open a moment later.
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(&target.cluster).is_err() {
        assert!(Instant::now() < until, "the node does not come up");
        std::thread::sleep(Duration::from_millis(5));
    }
    target
}

fn connect(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Waits for a connection of the node.
fn accept(listener: &TcpListener, patience: Duration) -> Result<TcpStream> {
    let until = Instant::now() + patience;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            Err(error) if Instant::now() > until => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_micros(200)),
        }
    }
}

/// A frame of a cluster link.
fn framed(packet: &[u8]) -> Vec<u8> {
    [&(packet.len() as u16).to_be_bytes(), packet].concat()
}

fn read_framed(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut len = [0; 2];
    stream.read_exact(&mut len)?;
    let mut packet = vec![0; usize::from(u16::from_be_bytes(len))];
    stream.read_exact(&mut packet)?;
    Ok(packet)
}

/// A query of a name that nobody has.
fn query(session: u32) -> Vec<u8> {
    let name = encode(&[Value::String(b"nobody".to_vec())]).expect("a name can be written");
    framed(&[&[0; 5], &session.to_le_bytes()[..], &name].concat())
}

/// Sends packets before any that a node would send: the connection may end at any time.
fn intrude(address: &str, frames: &[Vec<u8>]) -> Result<()> {
    let mut stream = connect(address)?;
    for frame in frames {
        stream.write_all(&framed(frame))?;
    }
    Ok(())
}

/// Sends packets of requests between two queries; the answer to the last one must come.
fn ask(address: &str, frames: &[Vec<u8>]) -> Result<()> {
    const FIRST: u32 = 0x7fff_fff1;
    const LAST: u32 = 0x7fff_fff0;
    let mut stream = connect(address)?;
    stream.write_all(&query(FIRST))?;
    for frame in frames {
        stream.write_all(&framed(frame))?;
    }
    stream.write_all(&query(LAST))?;
    loop {
        let packet = read_framed(&mut stream).expect("the link stays usable");
        if packet.starts_with(&LAST.to_le_bytes()) {
            return Ok(());
        }
    }
}

/// Lets the node call us, and answers with packets: the call ends. Four bytes `SESS` stand for the
/// session of its request.
fn answer(target: &Target, frames: &[Vec<u8>]) -> Result<()> {
    let mut stream = connect(&target.cluster)?;
    let ask = encode(&[Value::String(b"call_peer".to_vec())]).expect("a word can be written");
    let head = [&b"\x80\x06@wires"[..], &1u32.to_le_bytes()].concat();
    stream.write_all(&framed(&[head, ask].concat()))?;
    let mut caller = accept(&target.peer, PATIENCE)?;
    let request = read_framed(&mut caller)?;
    let session = request.get(6..10).unwrap_or_default();
    for frame in frames {
        let mut frame = frame.clone();
        if let Some(at) = frame.windows(4).position(|part| part == b"SESS") {
            frame[at..at + session.len()].copy_from_slice(session);
        }
        caller.write_all(&framed(&frame))?;
    }
    drop(caller);
    read_framed(&mut stream).map(drop).inspect_err(|error| panic!("the call never ends: {error}"))
}

/// Talks to the master: what the frames hold, each with its length.
fn join(address: &str, frames: &[Vec<u8>]) -> Result<()> {
    let mut stream = connect(address)?;
    for frame in frames {
        let frame = &frame[..frame.len().min(255)];
        stream.write_all(&[&[frame.len() as u8], frame].concat())?;
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.read_to_end(&mut Vec::new()).map(drop)
}

/// Becomes a harbor that the node connects to, and sends messages to it: 12 bytes of trailer and
/// the rest as the body of each frame, or raw bytes when a frame is shorter.
fn be_a_harbor(target: &Target, frames: &[Vec<u8>]) -> Result<()> {
    const NUMBER: u8 = 9;
    let mut control = connect(&target.master)?;
    let address = target.harbor.local_addr()?.to_string().into_bytes();
    let hello =
        [Value::String(b"H".to_vec()), Value::Integer(NUMBER.into()), Value::String(address)];
    let hello = encode(&hello).expect("three values can be written");
    control.write_all(&[&[hello.len() as u8], &*hello].concat())?;
    let mut link = accept(&target.harbor, Duration::from_secs(3))?;
    link.read_exact(&mut [0])?;
    link.write_all(&[NUMBER])?;
    for frame in frames {
        link.write_all(&harbor_frame(frame))?;
    }
    drop(link);
    drop(control);
    Ok(())
}

fn harbor_frame(bytes: &[u8]) -> Vec<u8> {
    let Some((trailer, payload)) = bytes.split_first_chunk::<12>() else { return bytes.to_vec() };
    let number = |at: usize| u32::from_be_bytes(trailer[at..at + 4].try_into().expect("4 bytes"));
    let label = Label {
        source: number(0),
        destination: number(4) & 0xff,
        kind: trailer[4],
        session: number(8),
    };
    label.frame(payload).expect("it is short")
}

/// The node answers on a new link.
fn expect_answer(address: &str) {
    ask(address, &[]).expect("the node takes connections");
}

/// The master refuses who does not say that it is a slave.
fn expect_refusal(address: &str) {
    let mut stream = connect(address).expect("the master takes connections");
    stream.write_all(&[1, 0]).expect("it reads");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("it closes the connection");
}
