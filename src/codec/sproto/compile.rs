//! A schema's tree to a bundle: names are resolved, and what is wrong is refused by name.
//!
//! A bundle is written with the same [`Writer`] as messages, because it is one. Its shape:
//!
//! | record | values by tag |
//! |---|---|
//! | group | 0 types, 1 protocols |
//! | type | 0 name, 1 fields |
//! | field | 0 name, 1 builtin, 2 type or extra, 3 tag, 4 array, 5 key, 6 pairs |
//! | protocol | 0 name, 1 tag, 2 request, 3 response, 4 confirm |

use std::collections::BTreeMap;

use thiserror::Error;

use super::INLINE_MAX;
use super::grammar::{Content, Field, Item, Member, Protocol, Side, Suffix, parse};
use super::write::{WriteError, Writer};

/// What is wrong with a schema. The texts are the reference's where it says anything useful.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The text is no schema.
    #[error("syntax error at [{name}] line ({line})")]
    Syntax {
        /// What the text is called.
        name: String,
        /// Where, from 1.
        line: usize,
    },
    /// A type or a protocol is there twice.
    #[error("redefined {0}")]
    Redefined(String),
    /// A field is there twice, by its name or its tag.
    #[error("redefine {what} in type {kind}")]
    RedefinedField {
        /// `tag N` or the name.
        what: String,
        /// The type.
        kind: String,
    },
    /// A protocol has two requests or responses.
    #[error("redefine {side} in protocol {name}")]
    RedefinedSide {
        /// `request` or `response`.
        side: &'static str,
        /// The protocol.
        name: String,
    },
    /// Two protocols have one tag.
    #[error("redefined protocol tag {tag} at {name}")]
    RedefinedTag {
        /// The tag.
        tag: u64,
        /// The later one.
        name: String,
    },
    /// A protocol names a type that is not there.
    #[error("Undefined {side} type {kind} in protocol {name}")]
    UndefinedContent {
        /// `request` or `response`.
        side: &'static str,
        /// What it names.
        kind: String,
        /// The protocol.
        name: String,
    },
    /// A field names a type that is not there.
    #[error("Undefined type {kind} in type {within}")]
    UndefinedType {
        /// What it names.
        kind: String,
        /// The type that has the field.
        within: String,
    },
    /// An array of pairs needs structs of two fields.
    #[error("Invalid map definition: {0}, must only have two fields")]
    NoPairs(String),
    /// An array by a key needs a field that is no struct.
    #[error("Invalid map index :{0}")]
    NoKey(String),
    /// Only an array of structs has a key.
    #[error("field {0}: only an array of structs can have a key")]
    KeyOfPlainArray(String),
    /// Only integers have decimal digits.
    #[error("field {0}: only integers can have decimal digits")]
    NoDecimals(String),
    /// There are protocols, but not one type.
    #[error("protocols need a type: the schema has none")]
    NoTypes,
    /// A tag or a count of digits is too large. (What Lua's `string.pack` says in the reference.)
    #[error("bad argument #2 to 'pack' (unsigned overflow)")]
    Overflow,
    /// The bundle is too large.
    #[error(transparent)]
    Write(#[from] WriteError),
}

type Result<T> = std::result::Result<T, CompileError>;

/// Compiles the text of a schema; `name` is what errors call it.
///
/// # Errors
/// The first thing that is wrong with the text: its syntax, then names that are there twice, then
/// protocols, then fields.
pub fn compile(source: &[u8], name: &[u8]) -> Result<Vec<u8>> {
    let items = parse(source)
        .map_err(|error| CompileError::Syntax { name: text(name), line: error.line })?;
    let mut names = Names::default();
    for item in items {
        match item {
            Item::Type(one) => names.add_type(one.name.to_vec(), one.members)?,
            Item::Protocol(one) => names.add_protocol(one)?,
        }
    }
    if names.types.is_empty() {
        let empty = names.protocols.is_empty();
        return if empty { Ok(vec![0, 0]) } else { Err(CompileError::NoTypes) };
    }
    let protocols = names.ordered_protocols()?;
    Bundle { names: &names, writer: Writer::new() }.write(&protocols)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A protocol with the names of its types.
struct Call<'a> {
    name: &'a [u8],
    tag: u64,
    request: Option<Vec<u8>>,
    response: Option<Vec<u8>>,
    confirm: bool,
}

/// Everything that has a name. The order of the types' names is their order in the bundle.
#[derive(Default)]
struct Names<'a> {
    types: BTreeMap<Vec<u8>, Vec<Field<'a>>>,
    protocols: Vec<Call<'a>>,
}

impl<'a> Names<'a> {
    fn add_type(&mut self, name: Vec<u8>, members: Vec<Member<'a>>) -> Result<()> {
        let mut fields: Vec<Field<'a>> = Vec::new();
        for member in members {
            match member {
                Member::Type(one) => {
                    let full = [&name, &b"."[..], one.name].concat();
                    self.add_type(full, one.members)?;
                }
                Member::Field(field) => {
                    refuse_twin(&fields, &field, &name)?;
                    fields.push(field);
                }
            }
        }
        fields.sort_by_key(|field| field.tag);
        match self.types.contains_key(&name) {
            true => Err(CompileError::Redefined(text(&name))),
            false => {
                self.types.insert(name, fields);
                Ok(())
            }
        }
    }

    fn add_protocol(&mut self, protocol: Protocol<'a>) -> Result<()> {
        let Protocol { name, tag, parts } = protocol;
        let mut call = Call { name, tag, request: None, response: None, confirm: false };
        for (side, content) in parts {
            let (place, word) = match side {
                Side::Request => (&mut call.request, "request"),
                Side::Response => (&mut call.response, "response"),
            };
            if place.is_some() {
                return Err(CompileError::RedefinedSide { side: word, name: text(name) });
            }
            match content {
                Content::Name(b"nil") => call.confirm |= side == Side::Response,
                Content::Name(kind) => *place = Some(kind.to_vec()),
                Content::Struct(members) => {
                    let full = [name, b".", word.as_bytes()].concat();
                    *place = Some(full.clone());
                    self.add_type(full, members)?;
                }
            }
        }
        if self.protocols.iter().any(|other| other.name == name) {
            return Err(CompileError::Redefined(text(name)));
        }
        self.protocols.push(call);
        Ok(())
    }

    /// Returns the protocols by tag; each tag is there once, and each type.
    fn ordered_protocols(&self) -> Result<Vec<&Call<'a>>> {
        let mut calls: Vec<&Call<'a>> = self.protocols.iter().collect();
        calls.sort_by_key(|call| call.tag);
        if let Some([_, later]) = calls.array_windows().find(|[a, b]| a.tag == b.tag) {
            return Err(CompileError::RedefinedTag { tag: later.tag, name: text(later.name) });
        }
        for call in &calls {
            for (side, kind) in [("request", &call.request), ("response", &call.response)] {
                if let Some(kind) = kind.as_ref().filter(|kind| !self.types.contains_key(*kind)) {
                    let (kind, name) = (text(kind), text(call.name));
                    return Err(CompileError::UndefinedContent { side, kind, name });
                }
            }
        }
        Ok(calls)
    }

    /// Returns the full name of a type that is named within another one, or within a type around
    /// that.
    fn resolve(&self, kind: &[u8], within: &[u8]) -> Option<Vec<u8>> {
        let mut around = Some(within);
        while let Some(outer) = around {
            let full = [outer, b".", kind].concat();
            if self.types.contains_key(&full) {
                return Some(full);
            }
            around = outer.iter().rposition(|byte| *byte == b'.').map(|at| &outer[..at]);
        }
        self.types.contains_key(kind).then(|| kind.to_vec())
    }

    fn index_of(&self, full: &[u8]) -> Option<usize> {
        self.types.keys().position(|name| name == full)
    }
}

fn refuse_twin(fields: &[Field<'_>], field: &Field<'_>, kind: &[u8]) -> Result<()> {
    let what = if fields.iter().any(|other| other.name == field.name) {
        text(field.name)
    } else if fields.iter().any(|other| other.tag == field.tag) {
        format!("tag {}", field.tag)
    } else {
        return Ok(());
    };
    Err(CompileError::RedefinedField { what, kind: text(kind) })
}

/// The number of a type that is built in, and the extra value that marks it.
fn builtin(kind: &[u8]) -> Option<(u64, Option<u64>)> {
    match kind {
        b"integer" => Some((0, None)),
        b"boolean" => Some((1, None)),
        b"string" => Some((2, None)),
        b"binary" => Some((2, Some(1))),
        b"double" => Some((3, None)),
        _ => None,
    }
}

/// The values of a field in a bundle, by tag, from 1 on.
type Values = [Option<u64>; 6];

/// The bundle under way.
struct Bundle<'n, 'a> {
    names: &'n Names<'a>,
    writer: Writer,
}

impl Bundle<'_, '_> {
    fn write(mut self, protocols: &[&Call<'_>]) -> Result<Vec<u8>> {
        let mut group = self.writer.open(2);
        let place = self.writer.begin(&mut group, 0)?;
        for (name, fields) in &self.names.types {
            self.one_type(name, fields)?;
        }
        self.writer.end(place);
        if !protocols.is_empty() {
            let place = self.writer.begin(&mut group, 1)?;
            for call in protocols {
                self.protocol(call)?;
            }
            self.writer.end(place);
        }
        self.writer.close(group);
        Ok(self.writer.as_bytes().to_vec())
    }

    fn one_type(&mut self, name: &[u8], fields: &[Field<'_>]) -> Result<()> {
        let item = self.writer.begin_item()?;
        let mut open = self.writer.open(2);
        self.writer.data(&mut open, 0, name)?;
        if !fields.is_empty() {
            let place = self.writer.begin(&mut open, 1)?;
            for field in fields {
                let values = self.values_of(field, name)?;
                self.record(field.name, &values)?;
            }
            self.writer.end(place);
        }
        self.writer.close(open);
        self.writer.end(item);
        Ok(())
    }

    fn values_of(&self, field: &Field<'_>, within: &[u8]) -> Result<Values> {
        let tag = Some(field.tag);
        let array = field.is_array.then_some(1);
        if let Some((number, mark)) = builtin(field.kind) {
            let extra = decimals(field)?.or(mark);
            return Ok([Some(number), extra, tag, array, None, None]);
        }
        let undefined =
            || CompileError::UndefinedType { kind: text(field.kind), within: text(within) };
        let full = self.names.resolve(field.kind, within).ok_or_else(undefined)?;
        let index = self.names.index_of(&full).map(|index| index as u64);
        let (key, pairs) = self.key_of(field, &full)?;
        Ok([None, index, tag, array, key, pairs])
    }

    /// Returns the tag of the key of an array of structs, and the flag of pairs.
    fn key_of(&self, field: &Field<'_>, full: &[u8]) -> Result<(Option<u64>, Option<u64>)> {
        let fields = &self.names.types[full];
        let named = |name: &[u8]| fields.iter().find(|field| field.name == name);
        let (key, name, pairs) = match field.suffix {
            Suffix::Digits(..) if !field.is_array => {
                return Err(CompileError::NoDecimals(text(field.name)));
            }
            Suffix::None => return Ok((None, None)),
            _ if !field.is_array => return Ok((None, None)),
            Suffix::Word(name) => (named(name), name, None),
            Suffix::Digits(name, _) => (None, name, None),
            Suffix::Empty => match &fields[..] {
                [key, _] => (Some(key), key.name, Some(1)),
                _ => return Err(CompileError::NoPairs(text(field.name))),
            },
        };
        match key.filter(|key| builtin(key.kind).is_some()) {
            Some(key) => Ok((Some(key.tag), pairs)),
            None => Err(CompileError::NoKey(text(name))),
        }
    }

    fn protocol(&mut self, call: &Call<'_>) -> Result<()> {
        let index = |kind: &Option<Vec<u8>>| {
            let index = kind.as_ref().and_then(|kind| self.names.index_of(kind));
            index.map(|index| index as u64)
        };
        let (request, response) = (index(&call.request), index(&call.response));
        let confirm = (call.confirm && response.is_none()).then_some(1);
        self.record(call.name, &[Some(call.tag), request, response, confirm])
    }

    /// Writes a record: its name and small values with the tags from 1 on. A gap has a slot for
    /// each tag.
    fn record(&mut self, name: &[u8], values: &[Option<u64>]) -> Result<()> {
        let item = self.writer.begin_item()?;
        let mut open = self.writer.open(1 + values.len());
        self.writer.data(&mut open, 0, name)?;
        let used = values.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        for (tag, value) in (1..).zip(&values[..used]) {
            match value {
                None => self.writer.gap(&mut open)?,
                Some(value) if *value < INLINE_MAX as u64 + 1 => {
                    self.writer.integer(&mut open, tag, *value as i64)?;
                }
                Some(_) => return Err(CompileError::Overflow),
            }
        }
        self.writer.close(open);
        self.writer.end(item);
        Ok(())
    }
}

/// Returns the decimal digits of a field of a builtin type.
fn decimals(field: &Field<'_>) -> Result<Option<u64>> {
    let name = || text(field.name);
    match (field.suffix, field.kind) {
        (Suffix::Digits(_, digits), b"integer") => Ok(Some(digits)),
        (Suffix::Digits(..), _) => Err(CompileError::NoDecimals(name())),
        (Suffix::Word(_) | Suffix::Empty, _) if field.is_array => {
            Err(CompileError::KeyOfPlainArray(name()))
        }
        _ => Ok(None),
    }
}
