//! The module in a Lua state: all rows of the vectors that were recorded from the reference.

use std::fs;

use mlua::{LightUserData, Lua, MultiValue, Value};
use serde_json::Value as Json;

use crate::lua::seri;
use crate::message::Payload;

fn rows(file: &str, count: usize) -> Vec<Json> {
    let path = format!("{}/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).expect("the file is part of the tree");
    let json: Json = serde_json::from_str(&text).expect("the file is JSON");
    let rows = json["vectors"].as_array().expect("rows").clone();
    assert_eq!(rows.len(), count, "{file}");
    rows
}

/// A state that has what the inputs of the vectors name.
fn state() -> Lua {
    let lua = Lua::new();
    let globals = lua.globals();
    let skynet = lua.create_table().expect("memory");
    // SAFETY: these are functions for Lua.
    let (pack, tostring, open) = unsafe {
        let function = |f| lua.create_c_function(f).expect("memory");
        (function(seri::l_pack), function(seri::l_tostring), function(super::open))
    };
    skynet.set("pack", pack).expect("a fresh table");
    skynet.set("tostring", tostring).expect("a fresh table");
    globals.set("skynet", skynet).expect("a fresh state");
    globals.set("core", open.call::<mlua::Table>(()).expect("it opens")).expect("a fresh state");
    let block = lua.create_function(|_, text: mlua::LuaString| {
        let (start, len) = Payload::copy_of(&text.as_bytes()).into_raw();
        Ok((LightUserData(start.cast()), len))
    });
    globals.set("P", block.expect("memory")).expect("a fresh state");
    lua
}

fn eval(lua: &Lua, input: &str) -> mlua::Result<Vec<Value>> {
    let values: MultiValue = lua.load(format!("return {input}")).set_name("=in").eval()?;
    Ok(values.into_vec())
}

/// Compares a string with `NAME_hex`, or `NAME_hex_prefix` and `NAME_length`.
fn check_string(row: &Json, name: &str, bytes: &[u8]) {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match row.get(format!("{name}_hex")) {
        Some(expected) => assert_eq!(Some(&*hex), expected.as_str(), "{name} of {row}"),
        None => {
            let prefix = row[format!("{name}_hex_prefix")].as_str();
            let prefix = prefix.unwrap_or_else(|| panic!("{name} of {row}"));
            assert!(hex.starts_with(prefix), "{name} of {row}: {hex}");
            assert_eq!(Some(bytes.len() as u64), row[format!("{name}_length")].as_u64(), "{row}");
        }
    }
}

/// Frees the block that a result is.
fn check_block(row: &Json, name: &str, start: LightUserData, len: i64) {
    // SAFETY: the module made the block, with that many bytes.
    let payload = unsafe { Payload::from_raw(start.0.cast(), len as usize) };
    let hex: String = payload.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(row[format!("{name}_pointer_to_hex")].as_str(), Some(&*hex), "{name} of {row}");
}

fn check_result(row: &Json, index: usize, values: &[Value]) {
    let name = format!("r{}", index + 1);
    let expected = &row[&name];
    match &values[index] {
        Value::String(text) => check_string(row, &name, &text.as_bytes()),
        Value::Nil => assert_eq!(expected.as_str(), Some("nil"), "{name} of {row}"),
        Value::Boolean(value) => assert_eq!(expected.as_bool(), Some(*value), "{name} of {row}"),
        Value::Integer(value) => assert_eq!(expected.as_i64(), Some(*value), "{name} of {row}"),
        Value::LightUserData(start) if expected.is_null() => {
            let len = values[index + 1].as_i64().expect("the size");
            if row.get(format!("{name}_pointer_to_hex")).is_some() {
                check_block(row, &name, *start, len);
            }
        }
        Value::Table(list) => {
            assert_eq!(row[format!("{name}_count")].as_u64(), Some(list.raw_len() as u64), "{row}");
            for (index, part) in list.sequence_values::<mlua::LuaString>().enumerate() {
                let part = part.expect("parts are strings");
                check_string(row, &format!("{name}_{}", index + 1), &part.as_bytes());
            }
        }
        other => panic!("{name} of {row}: {other:?}"),
    }
}

#[test]
fn vectors() {
    let lua = state();
    for row in rows("cluster_core.json", 67) {
        let input = row["input"].as_str().expect("an input");
        let values = eval(&lua, input).unwrap_or_else(|error| panic!("{row}: {error}"));
        assert_eq!(row["results"].as_u64(), Some(values.len() as u64), "{row}: {values:?}");
        for index in 0..values.len() {
            check_result(&row, index, &values);
        }
    }
}

#[test]
fn error_vectors() {
    let lua = state();
    for row in rows("cluster_core_errors.json", 20) {
        let input = row["input"].as_str().expect("an input");
        let result = eval(&lua, &format!("select(2, pcall(function() return {input} end))"));
        let error = result.expect("pcall").first().and_then(|text| text.to_string().ok());
        assert_eq!(error.as_deref(), row["error"].as_str(), "{row}");
    }
}

#[test]
fn the_name_of_the_node_has_no_blanks_and_ends_with_the_process() {
    let lua = state();
    let names = eval(&lua, "core.nodename()").expect("a name");
    let name = names[0].to_string().expect("text");
    assert!(name.ends_with(&std::process::id().to_string()), "{name}");
    assert!(name.bytes().all(|byte| byte > b' '), "{name}");
}
