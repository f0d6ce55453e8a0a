//! Slaves that are written here: what the master and the harbor service of a node do with them.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Instant;

use ironsky::codec::harbor::Label;
use ironsky::codec::seri::{Value, encode};

use crate::common::nodes::Runtime::Ours;
use crate::common::nodes::{Node, free_ports, harbor};
use crate::common::{DEADLINE, accept};

/// The types of messages that are sent here.
const LUA: u8 = 10;
const ERROR: u8 = 7;

/// How many names are said at once.
const ROUND: usize = 500;

/// Starts the master. Returns it and its port.
fn master() -> (Node, u16) {
    let ports = free_ports::<2>();
    let node = Node::start(&Ours, "harbor_server", &harbor(1, &ports));
    node.wait_for("READY");
    (node, ports[0])
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

/// Says something to the master.
fn say(mut control: &TcpStream, values: &[Value]) {
    let body = encode(values).unwrap();
    control.write_all(&[&[body.len() as u8], &*body].concat()).unwrap();
}

/// Becomes the slave of a number; the node connects to it. Returns both connections.
fn join(port: u16, number: u8) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let control = connect(port);
    say(&control, &[text("H"), Value::Integer(number.into()), text(&address)]);
    let mut link = accept(&listener);
    link.read_exact(&mut [0]).unwrap();
    link.write_all(&[number]).unwrap();
    (control, link)
}

/// Sends a request to a service of the node that does not live.
fn ask_nobody(mut link: &TcpStream, source: u32, session: u32) {
    let label = Label { source, destination: 0xff_fff0, kind: LUA, session };
    link.write_all(&label.frame(b"").unwrap()).unwrap();
}

/// Reads a message without a payload: its type and session.
fn read_empty(mut link: &TcpStream) -> (u8, u32) {
    let mut frame = [0; 16];
    link.read_exact(&mut frame).unwrap();
    assert_eq!(frame[..4], [0, 0, 0, 12]);
    (frame[8], u32::from_be_bytes([frame[12], frame[13], frame[14], frame[15]]))
}

#[test]
fn a_master_ends_connections_that_do_not_say_who_they_are() {
    let (_node, port) = master();
    let mut silent = connect(port);
    let mut half = connect(port);
    half.write_all(&[20, 1, 2, 3]).unwrap();
    for stream in [&mut silent, &mut half] {
        // What has not been read of it may make the end a reset.
        let end = stream.read(&mut [0]);
        assert!(
            matches!(end, Ok(0))
                || end.as_ref().is_err_and(|it| it.kind() != ErrorKind::WouldBlock),
            "{end:?}"
        );
    }
    join(port, 9);
}

#[test]
fn a_master_leaves_a_slave_that_does_not_read() {
    let (node, port) = master();
    let (clogged, _clogged_link) = join(port, 9);
    let (mut control, _link) = join(port, 10);
    // The other one reads what it has made the master say.
    let names = [text("R"), text(&"n".repeat(200)), Value::Integer(0x0a00_0001)];
    let mut heard = vec![0; ROUND * (1 + encode(&names).unwrap().len())];
    let until = Instant::now() + DEADLINE;
    while !node.read("log").contains("slave 9 is down") {
        assert!(Instant::now() < until, "the slave is not left");
        for _ in 0..ROUND {
            say(&control, &names);
        }
        control.read_exact(&mut heard).unwrap();
    }
    node.wait_for("does not read");
    drop(clogged);
}

#[test]
fn errors_for_nodes_that_are_not_there_do_not_wait_for_them() {
    let (_node, port) = master();
    let (_control, link) = join(port, 9);
    ask_nobody(&link, 0x4d00_0001, 3);
    ask_nobody(&link, 0x0900_0001, 4);
    assert_eq!(read_empty(&link), (ERROR, 4));
    // The node 77 comes: nothing has waited for it.
    let (_control, late) = join(port, 77);
    ask_nobody(&late, 0x4d00_0001, 5);
    assert_eq!(read_empty(&late), (ERROR, 5));
}
