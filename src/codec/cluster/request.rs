//! Requests, pushes and trace tags, from the caller to the callee.

use super::{Head, PART, split_number};

/// The first byte of a packet.
mod kind {
    pub(super) const SINGLE: u8 = 0x00;
    pub(super) const BEGIN: u8 = 0x01;
    pub(super) const PART: u8 = 0x02;
    pub(super) const LAST_PART: u8 = 0x03;
    pub(super) const TRACE: u8 = 0x04;
    /// Added to the first two: a name stands in the place of the address.
    pub(super) const NAMED: u8 = 0x80;
    /// Added to a begin: nobody waits for a response.
    pub(super) const PUSH: u8 = 0x40;
}

/// The name of a service: 1 to 255 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// The longest name.
    pub const BYTES_MAX: usize = u8::MAX as usize;

    /// Checks the length.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (1..=Self::BYTES_MAX).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// Whom a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// The address of a service of the callee; 0 asks for the address of a registered name.
    Address(u32),
    /// `@registered`, `.local`, or a global name.
    Name(Name<'a>),
}

/// A decoded packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// A whole request; a push when the session is 0.
    Single {
        /// Whom it is for.
        to: Target<'a>,
        /// Pairs the response with it.
        session: u32,
        /// The packed arguments.
        body: &'a [u8],
    },
    /// The body comes in parts.
    Begin {
        /// Whom it is for.
        to: Target<'a>,
        /// What the parts carry too; also of a push.
        session: u32,
        /// How long the parts are together.
        size: u32,
        /// Nobody waits for a response.
        push: bool,
    },
    /// A part.
    Part {
        /// That of the begin.
        session: u32,
        /// The bytes.
        bytes: &'a [u8],
        /// The body is complete.
        last: bool,
    },
    /// The trace tag of the next request.
    Trace(&'a [u8]),
}

/// What is wrong with a packet; the texts are the ones of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// There are no bytes.
    #[error("Invalid req package. size == 0")]
    Empty,
    /// Shorter than its kind needs, or with an empty name.
    #[error("Invalid cluster message (size={0})")]
    Short(usize),
    /// A begin for an address has a fixed size.
    #[error("Invalid cluster message size {0} (multi req must be 13)")]
    BeginSize(usize),
    /// A part without a session.
    #[error("Invalid cluster multi part message")]
    Part,
    /// No such kind.
    #[error("Invalid req package type {0}")]
    Kind(i8),
}

impl Target<'_> {
    /// The head of a whole request; session 0 makes it a push.
    ///
    /// # Panics
    /// When the body needs parts, see [`Request::needs_parts`].
    pub fn single(self, session: u32, body: usize) -> Head {
        self.head(kind::SINGLE).push(&session.to_le_bytes()).before(body)
    }

    /// The packet before the parts of a body of `size` bytes.
    pub fn begin(self, session: u32, size: u32, push: bool) -> Head {
        self.head(kind::BEGIN | if push { kind::PUSH } else { 0 })
            .push(&session.to_le_bytes())
            .push(&size.to_le_bytes())
            .before(0)
    }

    fn head(self, kind: u8) -> Head {
        match self {
            Target::Address(address) => Head::new().push(&[kind]).push(&address.to_le_bytes()),
            Target::Name(Name(name)) => {
                Head::new().push(&[kind | kind::NAMED, name.len() as u8]).push(name)
            }
        }
    }

    /// Splits the target off the bytes behind the kind.
    fn split(bytes: &[u8], named: bool) -> Option<(Target<'_>, &[u8])> {
        if named {
            let (len, rest) = bytes.split_first()?;
            let (name, rest) = rest.split_at_checked(usize::from(*len))?;
            return Some((Target::Name(Name::new(name)?), rest));
        }
        let (address, rest) = split_number(bytes)?;
        Some((Target::Address(address), rest))
    }
}

impl<'a> Request<'a> {
    /// Tells whether a body is sent in parts. (A response of exactly [`PART`] bytes is not.)
    pub fn needs_parts(body: usize) -> bool {
        body >= PART
    }

    /// The head of a part.
    ///
    /// # Panics
    /// When the part is longer than [`PART`].
    pub fn part(session: u32, len: usize, last: bool) -> Head {
        let kind = if last { kind::LAST_PART } else { kind::PART };
        Head::new().push(&[kind]).push(&session.to_le_bytes()).before(len)
    }

    /// The head of a trace tag.
    ///
    /// # Panics
    /// When the tag is longer than [`PART`].
    pub fn trace(tag: usize) -> Head {
        Head::new().push(&[kind::TRACE]).before(tag)
    }

    /// Reads a packet without its length.
    ///
    /// # Errors
    /// When it is too short or of no known kind.
    pub fn decode(packet: &'a [u8]) -> Result<Self, RequestError> {
        let (&kind, rest) = packet.split_first().ok_or(RequestError::Empty)?;
        let named = kind & kind::NAMED != 0;
        match kind & !kind::NAMED {
            kind::SINGLE => Self::decode_single(rest, named),
            kind::BEGIN => Self::decode_begin(rest, named, false),
            kind if kind == kind::BEGIN | kind::PUSH => Self::decode_begin(rest, named, true),
            kind::PART if !named => Self::decode_part(rest, false),
            kind::LAST_PART if !named => Self::decode_part(rest, true),
            kind::TRACE if !named => Ok(Request::Trace(rest)),
            _ => Err(RequestError::Kind(kind as i8)),
        }
    }

    fn decode_single(rest: &'a [u8], named: bool) -> Result<Self, RequestError> {
        let short = RequestError::Short(rest.len() + 1);
        let (to, rest) = Target::split(rest, named).ok_or(short)?;
        let (session, body) = split_number(rest).ok_or(short)?;
        Ok(Request::Single { to, session, body })
    }

    fn decode_begin(rest: &'a [u8], named: bool, push: bool) -> Result<Self, RequestError> {
        let len = rest.len() + 1;
        let wrong = if named { RequestError::Short(len) } else { RequestError::BeginSize(len) };
        let (to, rest) = Target::split(rest, named).ok_or(wrong)?;
        let (session, rest) = split_number(rest).ok_or(wrong)?;
        match split_number(rest) {
            Some((size, [])) => Ok(Request::Begin { to, session, size, push }),
            _ => Err(wrong),
        }
    }

    fn decode_part(rest: &'a [u8], last: bool) -> Result<Self, RequestError> {
        let (session, bytes) = split_number(rest).ok_or(RequestError::Part)?;
        Ok(Request::Part { session, bytes, last })
    }
}
