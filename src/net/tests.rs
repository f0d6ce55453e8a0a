//! Sockets with a mailbox of the test's: events are what a service would get.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::message::Payload;
use crate::message::socket::{Event, Record};

const OWNER: Address = Address::new(8);
const DEADLINE: Duration = Duration::from_secs(30);

/// What has arrived: event, id, ud, text or data.
type Arrived = (i32, i32, i32, Vec<u8>);

#[derive(Default)]
struct Inbox {
    waiting: Mutex<VecDeque<Arrived>>,
    changed: Condvar,
    log: Mutex<Vec<String>>,
}

struct TestHome(Arc<Inbox>);

impl Home for TestHome {
    fn deliver(&self, to: Address, message: Message) -> Result<(), Message> {
        if to != OWNER {
            return Err(message);
        }
        let record = Record::read(message.payload.as_bytes()).unwrap();
        let data = match record.buffer.is_null() {
            true => record.text.to_vec(),
            false => {
                // SAFETY: a DATA or UDP block of so many bytes, which this test owns now.
                unsafe { Payload::from_raw(record.buffer, record.ud as usize) }.as_bytes().to_vec()
            }
        };
        let arrived = (record.event, record.id, record.ud, data);
        self.0.waiting.lock().unwrap().push_back(arrived);
        self.0.changed.notify_all();
        Ok(())
    }

    fn together(&self, deliver: &mut dyn FnMut() -> bool) {
        let _more = deliver();
    }

    fn set_alarm(&self, _: Box<dyn Fn() + Send + Sync>) {}

    fn log(&self, _: Address, line: &str) {
        self.0.log.lock().unwrap().push(line.to_owned());
    }

    fn now_cs(&self) -> u64 {
        1
    }
}

struct Stage {
    net: Net,
    inbox: Arc<Inbox>,
}

impl Stage {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let inbox = Arc::new(Inbox::default());
        Self { net: Net::new(settings, Box::new(TestHome(Arc::clone(&inbox)))), inbox }
    }

    #[track_caller]
    fn next(&self) -> Arrived {
        let waiting = self.inbox.waiting.lock().unwrap();
        let (mut waiting, _) =
            self.inbox.changed.wait_timeout_while(waiting, DEADLINE, |w| w.is_empty()).unwrap();
        waiting.pop_front().expect("an event comes")
    }

    #[track_caller]
    fn expect(&self, event: Event, id: SocketId, text: &str) {
        let (kind, from, _, data) = self.next();
        let got = (kind, from, String::from_utf8_lossy(&data).into_owned());
        assert_eq!(got, (event as i32, id.number(), text.to_owned()));
    }

    /// A started connection and its peer.
    fn pair(&self) -> (SocketId, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let id = self.net.connect(OWNER, "127.0.0.1", port).unwrap();
        let (peer, _) = listener.accept().unwrap();
        peer.set_read_timeout(Some(DEADLINE)).unwrap();
        self.expect(Event::Connect, id, "127.0.0.1");
        (id, peer)
    }

    fn is_gone(&self, id: SocketId) -> bool {
        self.net.shared.table.find(id).is_none_or(|slot| slot.head.lock().id != id.number())
    }

    #[track_caller]
    fn wait_gone(&self, id: SocketId) {
        let until = Instant::now() + DEADLINE;
        while !self.is_gone(id) {
            assert!(Instant::now() < until, "the socket is still there");
            std::thread::yield_now();
        }
    }
}

fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

fn send(stage: &Stage, id: SocketId, bytes: &[u8]) -> bool {
    stage.net.send(id, Bytes::Borrowed(bytes), Priority::High)
}

#[test]
fn a_reset_is_an_error_and_then_the_end() {
    let stage = Stage::new();
    let (id, peer) = stage.pair();
    reset(peer);
    stage.expect(Event::Error, id, "Connection reset by peer");
    stage.expect(Event::Close, id, "");
    stage.wait_gone(id);
}

#[test]
fn a_reset_is_told_to_the_owner_of_a_paused_socket_as_well() {
    let stage = Stage::new();
    let (id, peer) = stage.pair();
    stage.net.pause(id);
    reset(peer);
    stage.expect(Event::Error, id, "Connection reset by peer");
    stage.expect(Event::Close, id, "");
    stage.wait_gone(id);
}

#[test]
fn a_write_to_a_peer_that_is_gone_ends_the_socket_without_a_second_close() {
    let stage = Stage::new();
    let (id, peer) = stage.pair();
    drop(peer);
    stage.expect(Event::Close, id, "");
    assert!(send(&stage, id, b"nobody reads this"));
    stage.expect(Event::Error, id, "Broken pipe");
    stage.wait_gone(id);
    assert!(stage.inbox.waiting.lock().unwrap().is_empty());
}

#[test]
fn writes_of_one_turn_arrive_in_order_and_a_shutdown_loses_none_of_them() {
    let stage = Stage::new();
    let (id, mut peer) = stage.pair();
    let turn = stage.net.begin_turn();
    for digit in b"0123456789" {
        assert!(send(&stage, id, &[*digit]));
    }
    stage.net.shutdown(id);
    drop(turn);
    let mut text = String::new();
    peer.read_to_string(&mut text).unwrap();
    assert_eq!(text, "0123456789");
    stage.expect(Event::Close, id, "");
}

#[test]
fn the_end_of_a_turn_sends_what_waits() {
    let stage = Stage::new();
    let (id, mut peer) = stage.pair();
    let turn = stage.net.begin_turn();
    assert!(stage.net.send_more(id, Bytes::Borrowed(b"a"), Priority::High));
    assert!(send(&stage, id, b"b"));
    drop(turn);
    let mut two = [0; 2];
    peer.read_exact(&mut two).unwrap();
    assert_eq!(&two, b"ab");
}

#[test]
fn more_than_the_limit_closes_the_socket() {
    let stage = Stage::with(Settings { unsent_bytes_max: 1 << 20, ..Settings::default() });
    let (id, _peer) = stage.pair();
    let block = vec![0; 256 << 10];
    while send(&stage, id, &block) {}
    assert!(stage.is_gone(id));
    let log = stage.inbox.log.lock().unwrap();
    assert!(log.iter().any(|line| line.contains("socket_unsent_max")), "{log:?}");
}

#[test]
fn a_close_that_the_peer_does_not_let_finish_ends_after_the_grace_time() {
    let grace = Some(Duration::from_millis(50));
    let stage = Stage::with(Settings { grace, ..Settings::default() });
    let (id, _peer) = stage.pair();
    assert!(send(&stage, id, &vec![0; 16 << 20]));
    stage.net.close(id);
    stage.expect(Event::Close, id, "");
    stage.wait_gone(id);
}

#[test]
fn events_for_nobody_are_freed_and_the_socket_stays() {
    let stage = Stage::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let id = stage.net.connect(Address::new(9), "127.0.0.1", port).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    peer.write_all(b"into the void").unwrap();
    let until = Instant::now() + DEADLINE;
    while !stage.net.info().iter().any(|socket| socket.id == id && socket.read == 13) {
        assert!(Instant::now() < until);
        std::thread::yield_now();
    }
    stage.net.start(OWNER, id);
    stage.expect(Event::Connect, id, "transfer");
    peer.write_all(b"heard").unwrap();
    stage.expect(Event::Data, id, "heard");
}

#[test]
fn stopping_closes_everything() {
    let stage = Stage::new();
    let (id, mut peer) = stage.pair();
    stage.net.stop();
    assert!(stage.is_gone(id));
    assert_eq!(peer.read(&mut [0; 8]).unwrap(), 0);
}
