//! The text of a schema to a tree.
//!
//! ```text
//! schema   = items(type | protocol) end
//! type     = "." word b0 struct
//! struct   = "{" items(field | type) "}"
//! field    = word b1 tag b0 ":" b0 ["*"] typename { "(" b0 [word | tag] b0 ")" }
//! protocol = word b1 tag b0 "{" items(part) "}"
//! part     = ("request" | "response") b1 (typename | struct)
//! ```
//!
//! `b0` and `b1` are blanks, any number and one at least. In a list (`items`) blanks stand between
//! the items; from the first two that touch each other on, all must, to the end of the list.

/// What stands in brackets behind a field's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suffix<'a> {
    None,
    Empty,
    Word(&'a [u8]),
    /// Digits; the value is capped.
    Digits(&'a [u8], u64),
}

#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'a [u8],
    pub(super) tag: u64,
    pub(super) is_array: bool,
    pub(super) kind: &'a [u8],
    pub(super) suffix: Suffix<'a>,
}

#[derive(Debug)]
pub(super) enum Member<'a> {
    Field(Field<'a>),
    Type(Type<'a>),
}

#[derive(Debug)]
pub(super) struct Type<'a> {
    pub(super) name: &'a [u8],
    pub(super) members: Vec<Member<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

#[derive(Debug)]
pub(super) enum Content<'a> {
    Name(&'a [u8]),
    Struct(Vec<Member<'a>>),
}

#[derive(Debug)]
pub(super) struct Protocol<'a> {
    pub(super) name: &'a [u8],
    pub(super) tag: u64,
    pub(super) parts: Vec<(Side, Content<'a>)>,
}

#[derive(Debug)]
pub(super) enum Item<'a> {
    Type(Type<'a>),
    Protocol(Protocol<'a>),
}

/// The deepest nesting of types in types.
const DEPTH_MAX: u32 = 64;

/// The text is no schema; the line is counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) line: usize,
}

/// Reads a whole schema.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Item<'_>>, SyntaxError> {
    let mut parser = Parser { text, rest: text, depth: 0 };
    let items = parser.items(Parser::item).and_then(|items| parser.end().map(|()| items));
    items.ok_or_else(|| parser.error())
}

/// A cursor. A part that is not as it must be gives `None`, and the cursor stays where it was found
/// out.
struct Parser<'a> {
    text: &'a [u8],
    rest: &'a [u8],
    depth: u32,
}

impl<'a> Parser<'a> {
    fn error(&self) -> SyntaxError {
        let read = &self.text[..self.text.len() - self.rest.len()];
        SyntaxError { line: 1 + read.iter().filter(|byte| **byte == b'\n').count() }
    }

    fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn take(&mut self, text: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    fn take_while(&mut self, is_part: impl Fn(u8) -> bool) -> &'a [u8] {
        let len = self.rest.iter().take_while(|byte| is_part(**byte)).count();
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    /// Passes blanks and comments over; tells whether there were any.
    fn blanks(&mut self) -> bool {
        let before = self.rest.len();
        loop {
            match self.rest {
                [b' ' | b'\t' | b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => self.rest = rest,
                [b'#', ..] => {
                    self.take_while(|byte| byte != b'\n');
                }
                _ => return self.rest.len() < before,
            }
        }
    }

    fn some_blanks(&mut self) -> Option<()> {
        self.blanks().then_some(())
    }

    /// Reads a list; what follows it is the caller's to check.
    fn items<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = Vec::new();
        let mut touching = false;
        self.blanks();
        while self.peek().is_some_and(|byte| byte == b'.' || is_word_start(byte)) {
            items.push(item(self)?);
            let is_apart = self.blanks();
            if touching && is_apart {
                break;
            }
            touching = !is_apart;
        }
        Some(items)
    }

    fn item(&mut self) -> Option<Item<'a>> {
        match self.peek() {
            Some(b'.') => self.one_type().map(Item::Type),
            _ => self.protocol().map(Item::Protocol),
        }
    }

    fn one_type(&mut self) -> Option<Type<'a>> {
        self.take(b".")?;
        let name = self.word()?;
        self.blanks();
        Some(Type { name, members: self.members()? })
    }

    fn members(&mut self) -> Option<Vec<Member<'a>>> {
        self.depth = Some(self.depth + 1).filter(|depth| *depth <= DEPTH_MAX)?;
        self.take(b"{")?;
        let members = self.items(Self::member)?;
        self.depth -= 1;
        self.take(b"}").map(|()| members)
    }

    fn member(&mut self) -> Option<Member<'a>> {
        match self.peek() {
            Some(b'.') => self.one_type().map(Member::Type),
            _ => self.field().map(Member::Field),
        }
    }

    fn field(&mut self) -> Option<Field<'a>> {
        let name = self.word()?;
        self.some_blanks()?;
        let (_, tag) = self.digits()?;
        self.blanks();
        self.take(b":")?;
        self.blanks();
        let is_array = self.take(b"*").is_some();
        let kind = self.type_name()?;
        let mut suffix = Suffix::None;
        while self.peek() == Some(b'(') {
            let next = self.suffix()?;
            if suffix == Suffix::None {
                suffix = next;
            }
        }
        Some(Field { name, tag, is_array, kind, suffix })
    }

    fn suffix(&mut self) -> Option<Suffix<'a>> {
        self.take(b"(")?;
        self.blanks();
        let suffix = match self.peek()? {
            byte if is_word_start(byte) => Suffix::Word(self.word()?),
            byte if byte.is_ascii_digit() => {
                let (digits, value) = self.digits()?;
                Suffix::Digits(digits, value)
            }
            _ => Suffix::Empty,
        };
        self.blanks();
        self.take(b")").map(|()| suffix)
    }

    fn protocol(&mut self) -> Option<Protocol<'a>> {
        let name = self.word()?;
        self.some_blanks()?;
        let (_, tag) = self.digits()?;
        self.blanks();
        self.take(b"{")?;
        let parts = self.items(Self::part)?;
        self.take(b"}").map(|()| Protocol { name, tag, parts })
    }

    fn part(&mut self) -> Option<(Side, Content<'a>)> {
        let side = match self.word()? {
            b"request" => Side::Request,
            b"response" => Side::Response,
            _ => return None,
        };
        self.some_blanks()?;
        let content = match self.peek() {
            Some(b'{') => Content::Struct(self.members()?),
            _ => Content::Name(self.type_name()?),
        };
        Some((side, content))
    }

    fn word(&mut self) -> Option<&'a [u8]> {
        self.peek().filter(|byte| is_word_start(*byte))?;
        Some(self.take_while(is_word))
    }

    /// Words with points between them. A point without a word behind it is not part of it.
    fn type_name(&mut self) -> Option<&'a [u8]> {
        let start = self.rest;
        self.word()?;
        while matches!(self.rest, [b'.', next, ..] if is_word_start(*next)) {
            self.take(b".")?;
            self.word()?;
        }
        Some(&start[..start.len() - self.rest.len()])
    }

    fn digits(&mut self) -> Option<(&'a [u8], u64)> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        let add = |value: u64, digit: &u8| {
            value.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
        };
        (!digits.is_empty()).then(|| (digits, digits.iter().fold(0, add)))
    }
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn is_word(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit()
}
