//! The frames of a captured session of three nodes, and lengths that lie.

use std::collections::HashMap;
use std::fs;

use serde_json::Value as Json;

use super::{Label, Oversized, PAYLOAD_MAX, Stream};

fn from_hex(hex: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits");
    (0..hex.len()).step_by(2).map(digits).collect()
}

/// The bytes of a row; of a long one only the ends were kept, zeros stand for the rest.
fn bytes_of(row: &Json) -> Vec<u8> {
    let part = |name: &str| from_hex(row[name].as_str().unwrap_or_default());
    let (start, end) = ([part("hex"), part("hex_prefix")].concat(), part("hex_suffix"));
    let len = row["length"].as_u64().map_or(start.len(), |len| len as usize);
    let mut bytes = start;
    bytes.resize(len - end.len(), 0);
    [bytes, end].concat()
}

/// The bytes of every data connection, one direction each, without the handshake byte.
fn connections() -> HashMap<(String, String), Vec<u8>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/harbor_capture.json");
    let text = fs::read_to_string(path).expect("the file is part of the tree");
    let json: Json = serde_json::from_str(&text).expect("the file is JSON");
    let rows = json["vectors"].as_array().expect("rows");
    assert_eq!(rows.len(), 90);
    let mut connections: HashMap<_, Vec<u8>> = HashMap::new();
    for row in rows {
        let side = |name: &str| row[name].as_str().filter(|side| side.starts_with("harbor"));
        if let (Some(from), Some(to)) = (side("from"), side("to")) {
            connections.entry((from.into(), to.into())).or_default().extend(bytes_of(row));
        }
    }
    for bytes in connections.values_mut() {
        assert_ne!(bytes.remove(0), 0, "the number of the node");
    }
    connections
}

/// Reads frames, writes them again, and returns what was written.
fn echo(stream: &mut Stream) -> Vec<u8> {
    let mut written = Vec::new();
    while let Some((label, payload)) = stream.next_frame().expect("frames") {
        written.extend(label.frame(payload).expect("as long as it was"));
    }
    written
}

#[test]
fn captured_frames() {
    let connections = connections();
    assert!(connections.len() >= 4);
    for (sides, bytes) in connections {
        let mut stream = Stream::default();
        stream.push(&bytes);
        assert_eq!(echo(&mut stream), bytes, "{sides:?}");
        assert_eq!(stream.pending(), 0, "{sides:?}");
    }
}

#[test]
fn captured_frames_byte_by_byte() {
    for (sides, bytes) in connections() {
        let mut stream = Stream::default();
        let mut written = Vec::new();
        for byte in &bytes {
            stream.push(&[*byte]);
            written.extend(echo(&mut stream));
        }
        assert_eq!(written, bytes, "{sides:?}");
    }
}

#[test]
fn a_frame_says_who_and_what() {
    let label = Label { source: 0x0200_0007, destination: 0x0100_000a, kind: 10, session: 3 };
    let frame = label.frame(b"hello").expect("short");
    assert_eq!(frame, from_hex("0000001168656c6c6f020000070a00000a00000003"));
    let mut stream = Stream::default();
    stream.push(&frame);
    let (read, payload) = stream.next_frame().expect("a length").expect("a frame");
    assert_eq!((read.destination, payload), (0x0a, &b"hello"[..]));
}

#[test]
fn lengths_that_lie() {
    for len in [0_u32, 11, 0x0100_0000, u32::MAX] {
        let mut stream = Stream::default();
        stream.push(&len.to_be_bytes());
        assert_eq!(stream.next_frame(), Err(Oversized(len)));
    }
}

#[test]
fn the_longest_payload() {
    let label = Label { source: 1, destination: 2, kind: 10, session: 0 };
    assert!(label.frame(&vec![0; PAYLOAD_MAX]).is_some());
    assert!(label.frame(&vec![0; PAYLOAD_MAX + 1]).is_none());
}
