//! A piece of network that can be stopped: forwards the connections of one port to another, and
//! while it is stopped lets nothing pass, without closing anything.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How often a thread looks whether it may go on.
const STEP: Duration = Duration::from_millis(5);

/// Forwards until it is dropped.
pub(crate) struct Forwarder {
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    is_stopped: AtomicBool,
    is_over: AtomicBool,
}

impl Gate {
    /// Waits while nothing may pass; `false` when it is over.
    // Relaxed: the flags guard no data.
    fn pass(&self) -> bool {
        while self.is_stopped.load(Ordering::Relaxed) && !self.is_over.load(Ordering::Relaxed) {
            thread::sleep(STEP);
        }
        !self.is_over.load(Ordering::Relaxed)
    }
}

impl Forwarder {
    /// Forwards connections to `from`, a port of this machine, to another one.
    pub(crate) fn new(from: u16, to: u16) -> Self {
        let gate = Arc::new(Gate::default());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, from)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let forwarder = Self { gate: Arc::clone(&gate) };
        thread::spawn(move || {
            while gate.pass() {
                match listener.accept() {
                    Ok((stream, _)) => forward(&stream, to, &gate),
                    Err(_) => thread::sleep(STEP),
                }
            }
        });
        forwarder
    }

    /// Lets nothing pass from now on, or everything again.
    pub(crate) fn stop(&self, is_stopped: bool) {
        self.gate.is_stopped.store(is_stopped, Ordering::Relaxed);
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.gate.is_over.store(true, Ordering::Relaxed);
    }
}

/// Copies both ways; a connection that cannot be made on is closed.
fn forward(stream: &TcpStream, to: u16, gate: &Arc<Gate>) {
    let Ok(other) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)) else { return };
    for (from, to) in [(stream, &other), (&other, stream)] {
        from.set_nonblocking(false).unwrap();
        from.set_read_timeout(Some(STEP)).unwrap();
        from.set_nodelay(true).unwrap();
        let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let gate = Arc::clone(gate);
        thread::spawn(move || copy(from, to, &gate));
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, gate: &Gate) {
    let mut bytes = [0; 1 << 16];
    while gate.pass() {
        match from.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) if gate.pass() && to.write_all(&bytes[..count]).is_ok() => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            _ => break,
        }
    }
    // The other direction notices; it may have gone already.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
