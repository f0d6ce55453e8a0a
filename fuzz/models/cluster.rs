//! Bytes that claim to be a packet of a cluster link: what is read is written in the same bytes.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs`.

use ironsky::codec::cluster::{Head, Request, Response, Target};

/// Reads a request and a response; panics where they are written otherwise.
pub(crate) fn run(packet: &[u8]) {
    if packet.len() > usize::from(u16::MAX) {
        return;
    }
    match Request::decode(packet) {
        Ok(request) => check_request(request, packet),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let Some((session, response)) = Response::decode(packet) else { return };
    let data = match response {
        Response::Error(data) | Response::Whole(data) => data,
        Response::Part(data) | Response::LastPart(data) => data,
        Response::Begin(_) => &[],
    };
    if !Response::needs_parts(data.len()) {
        compare(&response.head(session), data, packet);
    }
}

fn check_request(request: Request<'_>, packet: &[u8]) {
    match request {
        Request::Single { to, session, body } if !Request::needs_parts(body.len()) => {
            check_name(to);
            compare(&to.single(session, body.len()), body, packet);
        }
        Request::Begin { to, session, size, push } => {
            check_name(to);
            compare(&to.begin(session, size, push), &[], packet);
        }
        Request::Part { session, bytes, last } if !Request::needs_parts(bytes.len()) => {
            compare(&Request::part(session, bytes.len(), last), bytes, packet);
        }
        Request::Trace(tag) if !Request::needs_parts(tag.len()) => {
            compare(&Request::trace(tag.len()), tag, packet);
        }
        _ => {}
    }
}

fn check_name(to: Target<'_>) {
    if let Target::Name(name) = to {
        assert!(!name.as_bytes().is_empty());
    }
}

/// A head begins with two bytes of length.
fn compare(head: &Head, data: &[u8], packet: &[u8]) {
    let written = [head.as_bytes(), data].concat();
    assert_eq!(&written[..2], (packet.len() as u16).to_be_bytes());
    assert_eq!(&written[2..], packet);
}
