//! Harbors, slaves and masters that lie, written here byte by byte. What they say costs them their
//! connection or one line of the log, and nobody else anything. Spec: cluster sections H.2 to H.4.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::time::Instant;

use common::nodes::Runtime::Ours;
use common::nodes::{Node, free_ports, harbor};
use common::{DEADLINE, accept, wait_until};

/// The number of the harbor that is played here.
const OWN: u8 = 9;

/// More lines than get through in the time that a test takes.
const MANY: usize = 2000;

// Values as skynet packs them.

fn string(text: &str) -> Vec<u8> {
    assert!(text.len() < 32);
    [&[(text.len() as u8) << 3 | 4], text.as_bytes()].concat()
}

fn small(number: u8) -> Vec<u8> {
    vec![0x0a, number]
}

fn packet(values: &[Vec<u8>]) -> Vec<u8> {
    let body = values.concat();
    [&[body.len() as u8], &*body].concat()
}

fn read_packet(stream: &mut TcpStream) -> Vec<u8> {
    let mut len = [0];
    stream.read_exact(&mut len).unwrap();
    let mut body = vec![0; usize::from(len[0])];
    stream.read_exact(&mut body).unwrap();
    body
}

fn frame(payload: &[u8], source: u32, kind: u8, to: u32, session: u32) -> Vec<u8> {
    let mut bytes = (payload.len() as u32 + 12).to_be_bytes().to_vec();
    bytes.extend_from_slice(payload);
    for number in [source, u32::from(kind) << 24 | to & 0x00ff_ffff, session] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes
}

fn read_frame(stream: &mut TcpStream) -> Vec<u8> {
    let mut len = [0; 4];
    stream.read_exact(&mut len).unwrap();
    let mut body = vec![0; u32::from_be_bytes(len) as usize];
    stream.read_exact(&mut body).unwrap();
    body
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

#[track_caller]
fn expect_closed(mut stream: TcpStream) {
    let mut byte = [0];
    // A reset is an end as well: not everything that was sent has been read.
    let end = stream.read(&mut byte);
    assert!(
        matches!(end, Ok(0)) || end.is_err_and(|it| it.kind() != std::io::ErrorKind::WouldBlock)
    );
}

/// Fails when more lines with this text got through than are allowed.
#[track_caller]
fn expect_few(node: &Node, part: &str, begin: Instant) {
    wait_until(|| node.read("log").contains(part));
    let count = node.read("log").lines().filter(|line| line.contains(part)).count();
    let most = 10 * (begin.elapsed().as_secs() as usize + 2);
    assert!(count <= most && most < MANY, "{count} lines with {part:?}");
}

/// A node with a master, and the ports of master and slave.
fn master() -> (Node, [u16; 2]) {
    master_with("harbor_server")
}

fn master_with(script: &str) -> (Node, [u16; 2]) {
    let ports = free_ports::<2>();
    let node = Node::start(&Ours, script, &harbor(1, &ports));
    node.wait_for("READY");
    (node, ports)
}

/// A slave that has become known to the master: the connection with it, and the one of the slave of
/// its node, before the handshake.
fn join(master: u16) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    join_at(master, &listener)
}

/// As `join`, with a listener that stays.
fn join_at(master: u16, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let address = listener.local_addr().unwrap().to_string();
    let mut control = connect(master);
    control.write_all(&packet(&[string("H"), small(OWN), string(&address)])).unwrap();
    assert_eq!(read_packet(&mut control), [string("W"), small(1)].concat());
    (control, accept(listener))
}

/// The older slave has connected: both say who they are.
fn shake(data: &mut TcpStream) {
    let mut number = [0];
    data.read_exact(&mut number).unwrap();
    assert_eq!(number, [1]);
    data.write_all(&[OWN]).unwrap();
}

/// As `join`, with the handshake done.
fn join_and_shake(master: u16) -> (TcpStream, TcpStream) {
    let (control, mut data) = join(master);
    shake(&mut data);
    (control, data)
}

/// As `join_and_shake`. Returns also the address of the service `SRV1`.
fn join_and_greet(master: u16) -> (TcpStream, TcpStream, u32) {
    let (mut control, data) = join_and_shake(master);
    let service = find_service(&mut control);
    (control, data, service)
}

fn find_service(control: &mut TcpStream) -> u32 {
    control.write_all(&packet(&[string("Q"), string("SRV1")])).unwrap();
    let answer = read_packet(control);
    let known = [string("N"), string("SRV1"), vec![0x22]].concat();
    assert_eq!(answer[..known.len()], known);
    u32::from_le_bytes(answer[known.len()..].try_into().unwrap())
}

/// Calls the service as a decent harbor would.
fn call(data: &mut TcpStream, service: u32) {
    let echo = [string("echo"), small(5)].concat();
    let own = u32::from(OWN) << 24 | 7;
    data.write_all(&frame(&echo, own, 10, service, 77)).unwrap();
    let mut answer = read_frame(data);
    // Errors for what was sent before come first.
    while answer[answer.len() - 4..] != 77_u32.to_be_bytes() {
        answer = read_frame(data);
    }
    assert_eq!(answer[..2], small(5));
}

#[test]
fn a_master_closes_on_slaves_that_lie() {
    let (node, [port, _]) = master();
    let address = string("127.0.0.1:1");
    let lies: [(&[u8], &str); 6] = [
        (b"\x05hello", "Invalid handshake type nil"),
        (&packet(&[string("X"), small(OWN), address.clone()]), "Invalid handshake type X"),
        (&packet(&[string("H"), small(0), address.clone()]), "Invalid slave id"),
        (&packet(&[string("H"), string("nine"), address.clone()]), "Invalid slave id nine"),
        (&packet(&[string("H"), small(OWN), small(1)]), "Invalid slave address 1"),
        (&packet(&[string("H"), small(1), address]), "Slave 1 already register on 127.0.0.1:"),
    ];
    for (bytes, line) in lies {
        // Only so many lines a second get through.
        wait_until(|| {
            let mut stream = connect(port);
            stream.write_all(bytes).unwrap();
            expect_closed(stream);
            node.read("log").contains(line)
        });
    }
    // A length that lies.
    let mut stream = connect(port);
    stream.write_all(b"\xffshort").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    expect_closed(stream);
    // Addresses that cannot be.
    for address in [small(0), vec![0x32, 0, 0, 0, 0, 1, 0, 0, 0], string("here")] {
        let (mut control, _) = join(port);
        control.write_all(&packet(&[string("R"), string("LIE"), address])).unwrap();
        expect_closed(control);
    }
    let begin = Instant::now();
    let (mut control, mut data, service) = join_and_greet(port);
    for _ in 0..MANY {
        control.write_all(&packet(&[string("Z")])).unwrap();
    }
    call(&mut data, service);
    expect_few(&node, "Invalid slave message type Z", begin);
}

#[test]
fn a_slave_with_the_wrong_number_is_left() {
    let (node, [port, _]) = master();
    let (_control, mut data) = join(port);
    data.read_exact(&mut [0]).unwrap();
    data.write_all(&[OWN + 1]).unwrap();
    node.wait_for("Invalid shakehand id (9) from fd = ");
    expect_closed(data);
}

#[test]
fn a_harbor_whose_lengths_lie_is_left() {
    let (node, [port, _]) = master();
    for (index, len) in [0_u32, 11, 1 << 24, u32::MAX].into_iter().enumerate() {
        let (control, mut data, service) = join_and_greet(port);
        call(&mut data, service);
        data.write_all(&len.to_be_bytes()).unwrap();
        expect_closed(data);
        let lines = || node.read("log").matches("Message is too long from harbor 9").count();
        wait_until(|| lines() == index + 1);
        drop(control);
        wait_until(|| node.read("log").matches("slave 9 is down").count() == index + 1);
    }
}

/// Answers to nothing, messages for nobody and of kinds that do not travel.
#[test]
fn a_harbor_that_talks_nonsense_is_heard_a_few_times_a_second() {
    let (node, [port, _]) = master();
    let (_control, mut data, service) = join_and_greet(port);
    let begin = Instant::now();
    let own = u32::from(OWN) << 24 | 7;
    let nonsense = [
        (frame(&small(1), own, 1, service, 4711), "to no request of"),
        (frame(b"", own, 7, service, 4711), "to no request of"),
        (frame(&small(1), own, 7, 0x00ff_ffff, 0), "Unknown destination :1ffffff from :9000007"),
        (frame(&small(1), own, 4, service, 1), "Dropped a message of type 4 from harbor 9"),
        (frame(&small(1), own, 6, service, 1), "Dropped a message of type 6 from harbor 9"),
    ];
    // Each is heard when it is the first one of its second.
    for (bytes, line) in &nonsense {
        wait_until(|| {
            data.write_all(bytes).unwrap();
            node.read("log").contains(line)
        });
    }
    for _ in 0..MANY {
        data.write_all(&nonsense[0].0).unwrap();
    }
    call(&mut data, service);
    expect_few(&node, "to no request of", begin);
    assert!(!node.read("log").contains("unknown session"), "{}", node.read("log"));
}

/// The kind of the next frame, who has sent it, and its session.
fn read_label(stream: &mut TcpStream) -> (u8, u32, u32) {
    let frame = read_frame(stream);
    let (source, session) = asked(&frame);
    (frame[frame.len() - 8], source, session)
}

/// A service ends while a request of another node waits for it.
#[test]
fn a_request_of_another_harbor_fails_with_the_service() {
    let (_node, [port, _]) = master();
    let (_control, mut data, service) = join_and_greet(port);
    let own = u32::from(OWN) << 24 | 7;
    data.write_all(&frame(&string("end"), own, 10, service, 1)).unwrap();
    data.write_all(&frame(&string("echo"), own, 10, service, 2)).unwrap();
    let mut errors = [read_label(&mut data), read_label(&mut data)];
    errors.sort_unstable();
    assert_eq!(errors, [(7, service, 1), (7, service, 2)]);
}

/// A request that a node passes on to a third one fails when that one is lost, and when it was lost
/// before.
#[test]
fn a_request_that_is_passed_on_fails_with_the_third_node() {
    let (_node, [port, _]) = master();
    let (_control, mut data, service) = join_and_greet(port);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut control = connect(port);
    let address = string(&listener.local_addr().unwrap().to_string());
    control.write_all(&packet(&[string("H"), small(OWN - 1), address])).unwrap();
    assert_eq!(read_packet(&mut control), [string("W"), small(2)].concat());
    let mut third = accept(&listener);
    third.read_exact(&mut [0]).unwrap();
    third.write_all(&[OWN - 1]).unwrap();

    let own = u32::from(OWN) << 24 | 7;
    let other = (u32::from(OWN) - 1) << 24 | 1;
    let pass_on = [&string("pass on"), &[0x22][..], &other.to_le_bytes()].concat();
    data.write_all(&frame(&pass_on, own, 10, service, 1)).unwrap();
    assert_eq!(read_label(&mut third), (10, own, 1));
    third.write_all(&u32::MAX.to_be_bytes()).unwrap();
    assert_eq!(read_label(&mut data), (7, other, 1));
    drop((third, listener));
    data.write_all(&frame(&pass_on, own, 10, service, 2)).unwrap();
    assert_eq!(read_label(&mut data), (7, other, 2));
}

/// A connection that is lost while both nodes live is made again, by the one that knows where the
/// other one listens.
#[test]
fn a_lost_connection_is_made_again() {
    let (node, [port, _]) = master();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (mut control, mut data) = join_at(port, &listener);
    let service = find_service(&mut control);
    for _ in 0..3 {
        shake(&mut data);
        call(&mut data, service);
        drop(data);
        data = accept(&listener);
    }
    drop((data, listener));
    node.wait_for("Can't connect to 127.0.0.1:");
    drop(control);
    node.wait_for("slave 9 is down");
}

/// The other way round: the node is the younger one, and lets the older one connect again.
#[test]
fn a_slave_can_be_connected_to_again() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let node = slave(&listener);
    let mut control = accept(&listener);
    let hello = read_packet(&mut control);
    let address = std::str::from_utf8(&hello[5..]).unwrap().to_owned();
    control.write_all(&packet(&[string("W"), small(1)])).unwrap();
    for round in 0..3 {
        // It listens when it has seen the end of the connection before.
        wait_until(|| {
            let Ok(mut data) = TcpStream::connect(&address) else { return false };
            data.set_read_timeout(Some(DEADLINE)).unwrap();
            data.write_all(&[OWN]).unwrap();
            data.read_exact(&mut [0]).is_ok()
        });
        wait_until(|| node.read("log").matches("Harbor 9 is down").count() > round);
    }
    node.wait_for("Shakehand ready");
}

/// What has asked, and the session.
fn asked(frame: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
    (number(frame.len() - 12), number(frame.len() - 4))
}

/// Calls to a harbor end with the number of the node and the reason. What was given up is not sent
/// any more, or known for a while, so that a late answer is dropped in silence.
#[test]
fn calls_to_a_harbor_end_with_a_reason_or_are_given_up() {
    let (node, [port, _]) = master_with("harbor_asker");
    let (mut control, mut data) = join_and_shake(port);
    let service = (u32::from(OWN) << 24) + 1;
    assert_eq!(read_frame(&mut data)[..6], string("first"));
    let (caller, session) = asked(&read_frame(&mut data));
    let address = [&[0x22], &service.to_le_bytes()[..]].concat();
    control.write_all(&packet(&[string("R"), string("LATER"), address])).unwrap();
    assert_eq!(read_frame(&mut data)[..6], string("named"));
    data.write_all(&frame(b"spoofed", service, 7, caller, session)).unwrap();
    let outcome = node.wait_for("ANSWER");
    assert!(outcome.ends_with("call failed: harbor 9: :09000001 failed or is not there"));
    let long = node.wait_for("LONG");
    assert!(long.contains("call failed: harbor 9: a message of 167772"), "{long}");
    let requests: Vec<_> = (0..5000).map(|_| read_frame(&mut data)).collect();
    node.wait_for("GIVEN UP");
    read_frame(&mut data);
    for request in [&requests[4999], &requests[0]] {
        let (caller, session) = asked(request);
        data.write_all(&frame(&small(1), service, 1, caller, session)).unwrap();
    }
    data.write_all(&u32::MAX.to_be_bytes()).unwrap();
    let reason = "call failed: harbor 9: the connection was closed: the length of a message was";
    for call in ["LOST", "LATE"] {
        let outcome = node.wait_for(call);
        assert!(outcome.contains(reason), "{outcome}");
    }
    assert_eq!(node.read("log").matches("to no request of").count(), 1, "the first is forgotten");
}

/// A node with harbor 2 whose master is played here.
fn slave(master: &TcpListener) -> Node {
    let [address] = free_ports();
    let config = format!(
        "harbor = 2\naddress = '127.0.0.1:{address}'\nmaster = '{}'",
        master.local_addr().unwrap()
    );
    Node::start(&Ours, "harbor_watcher", &config)
}

#[test]
fn a_slave_does_not_start_with_a_master_that_lies() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let answers: [(&[u8], &str); 4] = [
        (b"HTTP/1.1 400 Bad Request\r\n", "has closed the connection: is there"),
        (&packet(&[string("C"), small(3)]), "slave shakehand failed"),
        (&packet(&[string("W"), string("many")]), "slave shakehand failed"),
        (b"", "another harbor 2?"),
    ];
    for (answer, line) in answers {
        let mut node = slave(&listener);
        let mut control = accept(&listener);
        assert_eq!(read_packet(&mut control)[..4], [string("H"), small(2)].concat());
        control.write_all(answer).unwrap();
        control.shutdown(Shutdown::Write).unwrap();
        node.wait_for_end();
        node.wait_for(line);
    }
}

#[test]
fn a_harbor_whose_number_is_taken_does_not_start() {
    let (node, [port, own]) = master();
    let [address] = free_ports();
    let config = |number, address: u16| {
        format!("harbor = {number}\naddress = '127.0.0.1:{address}'\nmaster = '127.0.0.1:{port}'")
    };
    let mut second = Node::start(&Ours, "harbor_sleeper", &config(1, address));
    second.wait_for_end();
    second.wait_for("has closed the connection: is there, or was there, another harbor 1?");
    node.wait_for(&format!("error = Slave 1 already register on 127.0.0.1:{own}"));
    // The port of another node.
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = holder.local_addr().unwrap().port();
    let mut third = Node::start(&Ours, "harbor_sleeper", &config(3, taken));
    third.wait_for_end();
    third.wait_for(&format!("cannot listen on 127.0.0.1:{taken}: Address already in use"));
}

#[test]
fn a_slave_bears_a_master_that_talks_nonsense() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let node = slave(&listener);
    let mut control = accept(&listener);
    read_packet(&mut control);
    control.write_all(&packet(&[string("W"), small(0)])).unwrap();
    let begin = Instant::now();
    // Its services look for those of the node with the master.
    let question = [string("Q"), string("SERVICE")].concat();
    assert_eq!(read_packet(&mut control), question);
    let nonsense = [
        packet(&[string("C"), small(2), string("127.0.0.1:1")]),
        packet(&[string("C"), small(3), string("nowhere")]),
        packet(&[string("C"), small(3), small(3)]),
        packet(&[string("C")]),
        packet(&[string("D")]),
        packet(&[string("D"), small(77)]),
        packet(&[string("N"), string("LIE"), string("here")]),
        packet(&[string("N"), small(3)]),
    ];
    control.write_all(&nonsense.concat()).unwrap();
    // Each is heard of, and one of them is connected to.
    let absent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = string(&absent.local_addr().unwrap().to_string());
    for _ in 0..MANY {
        control.write_all(&packet(&[string("C"), small(4), address.clone()])).unwrap();
    }
    accept(&absent).read_exact(&mut [0]).unwrap();
    drop(absent);
    for _ in 0..MANY {
        control.write_all(&packet(&[string("Z")])).unwrap();
    }
    expect_few(&node, "Invalid master message type Z", begin);
    // What is no packet ends the connection; the node comes back, and asks again.
    control.write_all(b"\x05hello").unwrap();
    node.wait_for("Master disconnect");
    let mut control = accept(&listener);
    assert_eq!(read_packet(&mut control)[..4], [string("H"), small(2)].concat());
    control.write_all(&packet(&[string("W"), small(0)])).unwrap();
    assert_eq!(read_packet(&mut control), question);
    node.wait_for("Master is back");
}

/// The connection of an older slave to a new one, with the handshake done.
fn meet(address: u16, number: u8) -> TcpStream {
    let mut data = connect(address);
    data.write_all(&[number]).unwrap();
    let mut answer = [0];
    data.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [2]);
    data
}

#[test]
fn a_slave_counts_each_harbor_that_it_waits_for_once() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let node = slave(&listener);
    let mut control = accept(&listener);
    let hello = read_packet(&mut control);
    let address = String::from_utf8_lossy(&hello).rsplit(':').next().unwrap().parse().unwrap();
    control.write_all(&packet(&[string("W"), small(3)])).unwrap();
    node.wait_for("Waiting for 3 harbors");
    // One comes and goes, and the master says so; one will never come; one is younger and goes.
    drop(meet(address, 9));
    node.wait_for("Harbor 9 is down");
    let gone = |number| packet(&[string("D"), small(number)]);
    let younger = packet(&[string("C"), small(5), string("127.0.0.1:1")]);
    let said = [gone(9), gone(8), gone(8), younger, gone(5), packet(&[string("Z")])];
    control.write_all(&said.concat()).unwrap();
    node.wait_for("Invalid master message type Z");
    assert!(!node.read("log").contains("Shakehand ready"), "{}", node.read("log"));
    let _last = meet(address, 7);
    node.wait_for("Shakehand ready");
}
