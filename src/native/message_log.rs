//! The records of a service's message log, byte for byte.
//!
//! `LOGON` opens such a log; the worker that runs the service appends a record before each
//! message is handled. This file only knows what a record looks like.

use super::local_time::LocalTime;
use std::io::Write;

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The fields of a socket message that a record shows.
#[derive(Debug, Clone, Copy)]
pub struct SocketEvent {
    /// Which event, as the socket message counts them.
    pub kind: i32,
    /// The socket.
    pub id: i32,
    /// A number that depends on the event: a length, a listener's new socket.
    pub ud: i32,
}

/// Appends the record that opens a log; `now_cs` are centiseconds since the node started.
pub fn push_opened(out: &mut Vec<u8>, now_cs: u64, time: LocalTime) {
    let LocalTime { year, day, hour, minute, second, .. } = time;
    let (weekday, month) = (WEEKDAYS[time.weekday], MONTHS[time.month]);
    let _ = write!(out, "open time: {} {weekday} {month} {day:2} ", now_cs as u32);
    let _ = writeln!(out, "{hour:02}:{minute:02}:{second:02} {year}");
}

/// Appends the record that closes a log.
pub fn push_closed(out: &mut Vec<u8>, now_cs: u64) {
    let _ = writeln!(out, "close time: {}", now_cs as u32);
}

/// Appends the record of a message that is not a socket's.
pub fn push_message(
    out: &mut Vec<u8>,
    source: u32,
    kind: i32,
    session: i32,
    now_cs: u64,
    payload: &[u8],
) {
    let _ = write!(out, ":{source:08x} {kind} {session} {} ", now_cs as u32);
    push_hex(out, payload);
    out.push(b'\n');
}

/// Appends the record of a socket message that carries data.
pub fn push_socket_data(out: &mut Vec<u8>, event: SocketEvent, data: &[u8]) {
    push_socket(out, event);
    push_hex(out, data);
    out.push(b'\n');
}

/// Appends the record of a socket message that carries a text.
pub fn push_socket_text(out: &mut Vec<u8>, event: SocketEvent, text: &[u8]) {
    push_socket(out, event);
    out.push(b'[');
    out.extend_from_slice(text);
    out.extend_from_slice(b"]\n");
}

fn push_socket(out: &mut Vec<u8>, event: SocketEvent) {
    let SocketEvent { kind, id, ud } = event;
    let _ = write!(out, "[socket] {kind} {id} {ud} ");
}

/// Lower-case hexadecimal, two digits a byte.
fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| DIGITS[usize::from(value)];
    out.extend(bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)]));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(push: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        push(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    const TIME: LocalTime =
        LocalTime { year: 2026, month: 10, day: 21, weekday: 6, hour: 19, minute: 39, second: 43 };

    #[test]
    fn opening_and_closing() {
        check(|out| push_opened(out, 448, TIME), "open time: 448 Sat Nov 21 19:39:43 2026\n");
        let early = LocalTime { month: 0, day: 1, weekday: 0, hour: 0, ..TIME };
        check(|out| push_opened(out, 1, early), "open time: 1 Sun Jan  1 00:39:43 2026\n");
        check(|out| push_closed(out, 38), "close time: 38\n");
    }

    #[test]
    fn messages() {
        let line = ":0000001e 0 0 448 7435206e6f726574\n";
        check(|out| push_message(out, 0x1e, 0, 0, 448, b"t5 noret"), line);
        check(|out| push_message(out, 0, 1, 1, 448, b""), ":00000000 1 1 448 \n");
        let negative = ":ffffffff 10 -1 448 00ff\n";
        check(|out| push_message(out, u32::MAX, 10, -1, 448, b"\x00\xff"), negative);
    }

    #[test]
    fn the_time_has_32_bits() {
        check(|out| push_closed(out, (1 << 32) + 5), "close time: 5\n");
    }

    #[test]
    fn socket_messages() {
        let text = SocketEvent { kind: 4, id: 1, ud: 3 };
        let line = "[socket] 4 1 3 [127.0.0.1:35940]\n";
        check(|out| push_socket_text(out, text, b"127.0.0.1:35940"), line);
        let data = SocketEvent { kind: 1, id: 3, ud: 3 };
        check(|out| push_socket_data(out, data, b"abc"), "[socket] 1 3 3 616263\n");
    }
}
