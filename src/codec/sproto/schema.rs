//! A loaded schema: types with their fields, and protocols.
//!
//! Invariants: the fields of a type have rising tags; every index of a type is below the count of
//! types.

use std::collections::HashMap;

use super::read::{Fields, Items, Slot};

/// What one value of a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A 64-bit integer.
    Integer,
    /// An integer that stands for a number with so many decimal digits.
    Decimal(u8),
    /// A boolean.
    Boolean,
    /// A text.
    String,
    /// Bytes; written as a text is.
    Binary,
    /// A 64-bit float.
    Double,
    /// A struct, by the index of its type.
    Struct(usize),
}

/// What an array becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// No array.
    Single,
    /// A list.
    List,
    /// Structs by the field with this tag.
    Key(u16),
    /// Structs of two fields, as pairs of a key and a value.
    Pairs,
}

/// A field of a type.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: Box<[u8]>,
    /// The number of its name among all names of fields of the schema, from 1.
    pub key: u32,
    /// Its tag.
    pub tag: u16,
    /// What its values are.
    pub kind: Kind,
    /// Whether it is an array, and which.
    pub index: Index,
}

/// A type.
#[derive(Debug)]
pub struct Type {
    /// Its full name.
    pub name: Box<[u8]>,
    /// Its fields, with rising tags.
    pub fields: Box<[Field]>,
    /// How many slots a message of it can have.
    pub slots_max: usize,
}

impl Type {
    /// Returns the key and the value of a type of two fields.
    pub fn pair(&self) -> Option<(&Field, &Field)> {
        match &*self.fields {
            [key, value] => Some((key, value)),
            _ => None,
        }
    }
}

/// A protocol.
#[derive(Debug)]
pub struct Protocol {
    /// Its name.
    pub name: Box<[u8]>,
    /// Its tag.
    pub tag: u16,
    /// The type of a request, if it has content.
    pub request: Option<usize>,
    /// The type of a response, if it has content.
    pub response: Option<usize>,
    /// There is a response without content.
    pub confirm: bool,
}

/// A loaded schema.
#[derive(Debug, Default)]
pub struct Schema {
    types: Vec<Type>,
    protocols: Vec<Protocol>,
    types_by_name: HashMap<Box<[u8]>, usize>,
    protocols_by_name: HashMap<Box<[u8]>, usize>,
    protocols_by_tag: HashMap<u16, usize>,
}

impl Schema {
    /// Loads a bundle; `None` when it is malformed.
    pub fn load(bundle: &[u8]) -> Option<Schema> {
        let mut group = Fields::read(bundle).ok().filter(|group| group.slots() <= 2)?;
        let (types, protocols) = (next_data(&mut group)?, next_data(&mut group)?);
        if bundle.len() < 4 || group.slots() > 0 {
            return None;
        }
        let (types, protocols) = (items(types.unwrap_or(&[]))?, items(protocols.unwrap_or(&[]))?);
        let mut keys = HashMap::new();
        let mut schema = Schema::default();
        for (index, bytes) in types.iter().enumerate() {
            let one = load_type(bytes, types.len(), &mut keys)?;
            schema.types_by_name.insert(one.name.clone(), index);
            schema.types.push(one);
        }
        for (index, bytes) in protocols.iter().enumerate() {
            let one = load_protocol(bytes, types.len())?;
            schema.protocols_by_name.insert(one.name.clone(), index);
            schema.protocols_by_tag.insert(one.tag, index);
            schema.protocols.push(one);
        }
        schema.is_sound().then_some(schema)
    }

    /// Tells whether the arrays that become tables by key have what they need.
    fn is_sound(&self) -> bool {
        let mut fields = self.types.iter().flat_map(|one| &one.fields);
        fields.all(|field| match (field.index, field.kind) {
            (Index::Pairs, Kind::Struct(index)) => self.types[index].pair().is_some(),
            (Index::Key(_), kind) => matches!(kind, Kind::Struct(_)),
            (Index::Pairs, _) => false,
            _ => true,
        })
    }

    /// Returns all types; a type is known by its index here.
    pub fn types(&self) -> &[Type] {
        &self.types
    }

    /// Returns all protocols.
    pub fn protocols(&self) -> &[Protocol] {
        &self.protocols
    }

    /// Finds a type.
    pub fn type_by_name(&self, name: &[u8]) -> Option<usize> {
        self.types_by_name.get(name).copied()
    }

    /// Finds a protocol by its name.
    pub fn protocol_by_name(&self, name: &[u8]) -> Option<&Protocol> {
        self.protocols.get(*self.protocols_by_name.get(name)?)
    }

    /// Finds a protocol by its tag.
    pub fn protocol_by_tag(&self, tag: u16) -> Option<&Protocol> {
        self.protocols.get(*self.protocols_by_tag.get(&tag)?)
    }
}

/// Returns the next field of the group: it must be in the data. `Some(None)` behind the last one.
#[expect(clippy::option_option, reason = "no field is not a fault")]
fn next_data<'a>(group: &mut Fields<'a>) -> Option<Option<&'a [u8]>> {
    match group.next_field().ok()? {
        Some((_, Slot::Data(bytes))) => Some(Some(bytes)),
        Some((_, Slot::Inline(_))) => None,
        None => Some(None),
    }
}

fn items(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut items = Items::new(bytes);
    let mut all = Vec::new();
    while let Some(item) = items.next_item().ok()? {
        all.push(item);
    }
    Some(all)
}

/// The names of fields, numbered from 1.
type Keys = HashMap<Box<[u8]>, u32>;

fn load_type(bytes: &[u8], types: usize, keys: &mut Keys) -> Option<Type> {
    let mut parts = Fields::read(bytes).ok().filter(|parts| parts.slots() <= 2)?;
    let (name, fields) = (next_data(&mut parts)??, next_data(&mut parts)?);
    let mut loaded: Vec<Field> = Vec::new();
    for bytes in items(fields.unwrap_or(&[]))? {
        let field = load_field(bytes, types, keys)?;
        if loaded.last().is_some_and(|last| last.tag >= field.tag) {
            return None;
        }
        loaded.push(field);
    }
    let tags = loaded.iter().map(|field| u32::from(field.tag));
    let befores = std::iter::once(0).chain(tags.clone().map(|tag| tag + 1));
    let gaps = befores.zip(tags).filter(|(before, tag)| before < tag).count();
    Some(Type { name: name.into(), slots_max: loaded.len() + gaps, fields: loaded.into() })
}

/// The inline values of a record, by tag, and its name. Values beyond `N` are passed over.
fn record<const N: usize>(bytes: &[u8]) -> Option<(&[u8], [Option<u16>; N])> {
    let mut fields = Fields::read(bytes).ok()?;
    let (mut name, mut values) = (None, [None; N]);
    while let Some((tag, slot)) = fields.next_field().ok()? {
        match (tag, slot) {
            (0, Slot::Data(bytes)) => name = Some(bytes),
            (tag, Slot::Inline(value)) if tag != 0 => {
                if let Some(place) = values.get_mut(tag as usize) {
                    *place = Some(value);
                }
            }
            _ => return None,
        }
    }
    Some((name?, values))
}

fn load_field(bytes: &[u8], types: usize, keys: &mut Keys) -> Option<Field> {
    let (name, [_, builtin, extra, tag, array, key, pairs]) = record(bytes)?;
    let kind = match (builtin, extra) {
        (Some(0), None) => Kind::Integer,
        (Some(0), Some(digits)) => Kind::Decimal(u8::try_from(digits).ok()?),
        (Some(1), None) => Kind::Boolean,
        (Some(2), None) => Kind::String,
        (Some(2), Some(_)) => Kind::Binary,
        (Some(3), None) => Kind::Double,
        (None, Some(index)) if usize::from(index) < types => Kind::Struct(index.into()),
        _ => return None,
    };
    let is_set = |flag: Option<u16>| flag.is_some_and(|flag| flag != 0);
    let index = match key {
        _ if is_set(pairs) => Index::Pairs,
        Some(tag) => Index::Key(tag),
        None if is_set(array) => Index::List,
        None => Index::Single,
    };
    let next = keys.len() as u32 + 1;
    let key = *keys.entry(name.into()).or_insert(next);
    Some(Field { name: name.into(), key, tag: tag?, kind, index })
}

fn load_protocol(bytes: &[u8], types: usize) -> Option<Protocol> {
    let (name, [_, tag, request, response, confirm]) = record(bytes)?;
    let index = |value: Option<u16>| match value.map(usize::from) {
        Some(index) if index >= types => None,
        index => Some(index),
    };
    Some(Protocol {
        name: name.into(),
        tag: tag?,
        request: index(request)?,
        response: index(response)?,
        confirm: confirm.is_some_and(|flag| flag != 0),
    })
}
