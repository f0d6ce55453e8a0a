//! Walks a message by its type without making anything of it.

use super::DEPTH_MAX;
use super::read::{Fields, Items, Malformed, Numbers, Slot, boolean, double, integer};
use super::schema::{Index, Kind, Schema};

/// Tells whether `bytes` begin with a message of the type with the index `type_index`; returns how
/// many bytes it has.
///
/// # Errors
/// When they do not, or when structs are nested more than [`DEPTH_MAX`] deep.
pub fn check(schema: &Schema, type_index: usize, bytes: &[u8]) -> Result<usize, Malformed> {
    let rest = check_struct(schema, type_index, bytes, 0)?;
    Ok(bytes.len() - rest.len())
}

/// Returns what is behind the struct.
fn check_struct<'a>(
    schema: &Schema,
    type_index: usize,
    bytes: &'a [u8],
    depth: u32,
) -> Result<&'a [u8], Malformed> {
    let one = schema.types().get(type_index).filter(|_| depth <= DEPTH_MAX).ok_or(Malformed)?;
    let mut fields = Fields::read(bytes)?;
    while let Some((tag, slot)) = fields.next_field()? {
        let Some(field) = one.fields.iter().find(|field| u32::from(field.tag) == tag) else {
            continue;
        };
        match (field.index, slot) {
            (Index::Single, slot) => check_value(schema, field.kind, slot, depth)?,
            (_, Slot::Data(bytes)) => check_array(schema, field.kind, bytes, depth)?,
            (_, Slot::Inline(_)) => return Err(Malformed),
        }
    }
    Ok(fields.rest())
}

fn check_value(schema: &Schema, kind: Kind, slot: Slot<'_>, depth: u32) -> Result<(), Malformed> {
    match (kind, slot) {
        (Kind::Integer | Kind::Decimal(_), slot) => integer(slot).map(drop),
        (Kind::Boolean, slot) => boolean(slot).map(drop),
        (Kind::Double, slot) => double(slot).map(drop),
        (Kind::String | Kind::Binary, Slot::Data(_)) => Ok(()),
        (Kind::Struct(index), Slot::Data(bytes)) => {
            match check_struct(schema, index, bytes, depth + 1)? {
                [] => Ok(()),
                _ => Err(Malformed),
            }
        }
        _ => Err(Malformed),
    }
}

fn check_array(schema: &Schema, kind: Kind, bytes: &[u8], depth: u32) -> Result<(), Malformed> {
    match kind {
        Kind::Integer | Kind::Decimal(_) => Numbers::read(bytes).map(drop),
        Kind::Double => match Numbers::read(bytes)? {
            Numbers::Narrow([_, ..]) => Err(Malformed),
            _ => Ok(()),
        },
        Kind::Boolean => Ok(()),
        Kind::String | Kind::Binary | Kind::Struct(_) => {
            let mut items = Items::new(bytes);
            while let Some(item) = items.next_item()? {
                check_value(schema, kind, Slot::Data(item), depth)?;
            }
            Ok(())
        }
    }
}
