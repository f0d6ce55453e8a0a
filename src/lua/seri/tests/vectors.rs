//! All rows of the vectors that were recorded from the reference.

use std::fs;

use serde_json::Value as Json;

use super::State;

fn vectors(file: &str) -> Vec<Json> {
    let path = format!("{}/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).expect("the file is part of the tree");
    let json: Json = serde_json::from_str(&text).expect("the file is JSON");
    json["vectors"].as_array().expect("rows").clone()
}

/// The bytes of a JSON string: a character up to U+00FF stands for one byte.
fn field(row: &Json, name: &str) -> String {
    row[name].as_str().unwrap_or_else(|| panic!("{row} has no {name}")).to_string()
}

fn from_hex(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "{hex}");
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits");
    (0..hex.len()).step_by(2).map(digits).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn pack_vectors() {
    let state = State::new();
    let rows = vectors("seri_pack.json");
    assert_eq!(rows.len(), 71);
    for row in &rows {
        let input = field(row, "input");
        let bytes = state.run(&format!("return skynet.packstring({input})"));
        let hex = to_hex(&bytes.unwrap_or_else(|error| panic!("{row}: {error}")));
        if row.get("hex").is_some() {
            assert_eq!(hex, field(row, "hex"), "{row}");
        } else {
            assert!(hex.starts_with(&field(row, "hex_prefix")), "{row}");
            assert_eq!(Some(hex.len() as u64 / 2), row["length"].as_u64(), "{row}");
        }
        let code = format!("local p, n = skynet.pack({input}) local s = skynet.tostring(p, n)");
        let block = state.run(&format!("{code} skynet.trash(p, n) return s")).expect("as above");
        assert_eq!(to_hex(&block), hex, "{row}");
    }
}

#[test]
fn pack_error_vectors() {
    let state = State::new();
    let rows = vectors("seri_pack_errors.json");
    assert_eq!(rows.len(), 10);
    for row in &rows {
        let input = field(row, "input");
        state
            .check_error(&format!("return skynet.packstring({input}) .. ''"), &field(row, "error"));
        state
            .check_error(&format!("local p = skynet.pack({input}) return p"), &field(row, "error"));
    }
}

#[test]
fn unpack_vectors() {
    let state = State::new();
    let rows = vectors("seri_unpack.json");
    assert_eq!(rows.len(), 20);
    for row in &rows {
        let (bytes, output) = (from_hex(&field(row, "hex")), field(row, "output"));
        let count = row["count"].as_u64().expect("a count");
        let code = format!(
            "local t = table.pack(skynet.unpack(...)) assert(t.n == {count})
            check_same(t, table.pack({output}))"
        );
        state.run_with(&code, &bytes).unwrap_or_else(|error| panic!("{row}: {error}"));
    }
}

#[test]
fn unpack_error_vectors() {
    let state = State::new();
    let rows = vectors("seri_unpack_errors.json");
    assert_eq!(rows.len(), 28);
    for row in &rows {
        let code = "local t = skynet.unpack(...) return t";
        let error = state.run_with(code, &from_hex(&field(row, "hex"))).expect_err("malformed");
        let expected = field(row, "error");
        let stable = expected.split("(line:").next().expect("a first part");
        let prefix = if expected.contains("line:") { "in:1: " } else { "" };
        assert!(error.starts_with(&format!("{prefix}{stable}")), "{row}: {error}");
        assert_eq!(error.contains("(line:"), expected.contains("(line:"), "{row}: {error}");
    }
}
