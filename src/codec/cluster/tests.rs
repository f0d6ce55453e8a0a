//! Packets that two nodes of the reference exchanged, read and written again.

use std::fs;

use serde_json::Value as Json;

use super::{Name, Request, RequestError, Response};

/// A captured packet; of long ones only the beginning was kept, zeros stand for the rest.
fn packet(row: &Json) -> Vec<u8> {
    let hex = row["hex"].as_str().or_else(|| row["hex_prefix"].as_str()).expect("hex digits");
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits");
    let mut bytes: Vec<u8> = (0..hex.len()).step_by(2).map(digits).collect();
    if let Some(len) = row["length"].as_u64() {
        bytes.resize(len as usize, 0);
    }
    bytes
}

fn packets(direction: &str) -> Vec<Vec<u8>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/cluster_capture.json");
    let text = fs::read_to_string(path).expect("the file is part of the tree");
    let json: Json = serde_json::from_str(&text).expect("the file is JSON");
    let rows = json["vectors"].as_array().expect("rows");
    assert_eq!(rows.len(), 31);
    let all = rows.iter().flat_map(|row| row["packets"].as_array().expect("packets"));
    all.filter(|row| row["dir"] == direction).map(packet).collect()
}

/// Writes a decoded request as its sender did.
fn encode(request: &Request<'_>) -> Vec<u8> {
    let (head, body): (_, &[u8]) = match request {
        Request::Single { to, session, body } => (to.single(*session, body.len()), body),
        Request::Begin { to, session, size, push } => (to.begin(*session, *size, *push), &[]),
        Request::Part { session, bytes, last } => {
            (Request::part(*session, bytes.len(), *last), bytes)
        }
        Request::Trace(tag) => (Request::trace(tag.len()), tag),
    };
    [head.as_bytes(), body].concat()
}

#[test]
fn captured_requests() {
    for packet in packets("client->server") {
        let request = Request::decode(&packet[2..]).expect("a request");
        assert_eq!(encode(&request), packet, "{request:?}");
    }
}

#[test]
fn captured_responses() {
    for packet in packets("server->client") {
        let (session, response) = Response::decode(&packet[2..]).expect("a response");
        let data: &[u8] = match response {
            Response::Begin(_) => &[],
            Response::Error(data)
            | Response::Whole(data)
            | Response::Part(data)
            | Response::LastPart(data) => data,
        };
        assert_eq!([response.head(session).as_bytes(), data].concat(), packet, "{response:?}");
    }
}

#[test]
fn a_name_has_1_to_255_bytes() {
    assert!(Name::new(b"").is_none());
    assert!(Name::new(&[b'n'; 255]).is_some());
    assert!(Name::new(&[b'n'; 256]).is_none());
    let nameless = [0x80, 0, 1, 0, 0, 0];
    assert_eq!(Request::decode(&nameless), Err(RequestError::Short(6)));
}

#[test]
fn every_prefix_of_a_packet_is_a_request_or_an_error() {
    for packet in packets("client->server") {
        for len in 0..packet.len().min(300) {
            let _ = Request::decode(&packet[..len]);
            let _ = Response::decode(&packet[..len]);
        }
    }
}
