//! Responses, from the callee to the caller.

use super::{Head, PART, split_number};

/// The byte behind the session.
mod kind {
    pub(super) const ERROR: u8 = 0;
    pub(super) const WHOLE: u8 = 1;
    pub(super) const BEGIN: u8 = 2;
    pub(super) const PART: u8 = 3;
    pub(super) const LAST_PART: u8 = 4;
}

/// What a packet says of the request whose session it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response<'a> {
    /// It failed, with this text.
    Error(&'a [u8]),
    /// The packed results.
    Whole(&'a [u8]),
    /// The results come in parts, so many bytes together.
    Begin(u32),
    /// A part; more follow.
    Part(&'a [u8]),
    /// The last part.
    LastPart(&'a [u8]),
}

impl<'a> Response<'a> {
    /// Tells whether a body is sent in parts. (A request of exactly [`PART`] bytes is.)
    pub fn needs_parts(body: usize) -> bool {
        body > PART
    }

    /// The part of an error text that is sent.
    pub fn cut(text: &[u8]) -> &[u8] {
        &text[..text.len().min(PART)]
    }

    /// The head of this response; what it carries follows.
    ///
    /// # Panics
    /// When it carries more than [`PART`] bytes.
    pub fn head(&self, session: u32) -> Head {
        let head = Head::new().push(&session.to_le_bytes());
        match self {
            Response::Error(text) => head.push(&[kind::ERROR]).before(text.len()),
            Response::Whole(body) => head.push(&[kind::WHOLE]).before(body.len()),
            Response::Begin(size) => head.push(&[kind::BEGIN]).push(&size.to_le_bytes()).before(0),
            Response::Part(bytes) => head.push(&[kind::PART]).before(bytes.len()),
            Response::LastPart(bytes) => head.push(&[kind::LAST_PART]).before(bytes.len()),
        }
    }

    /// Reads a packet without its length: the session, and what it says. `None` when it is none.
    pub fn decode(packet: &'a [u8]) -> Option<(u32, Self)> {
        let (session, rest) = split_number(packet)?;
        let (kind, data) = rest.split_first()?;
        let response = match *kind {
            kind::ERROR => Response::Error(data),
            kind::WHOLE => Response::Whole(data),
            kind::BEGIN => Response::Begin(u32::from_le_bytes(data.try_into().ok()?)),
            kind::PART => Response::Part(data),
            kind::LAST_PART => Response::LastPart(data),
            _ => return None,
        };
        Some((session, response))
    }
}
