//! Schemas and packing against the vectors that were recorded from the reference, and what hostile
//! bytes get. The messages themselves are compared through the Lua bindings.

use serde_json::Value as Json;

use super::*;

fn vectors(file: &str) -> Vec<Json> {
    let path = format!("{}/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let json: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    json["vectors"].as_array().unwrap().clone()
}

/// A character of a JSON string stands for one byte.
fn bytes(json: &Json) -> Vec<u8> {
    json.as_str().unwrap().chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn bundle_vectors() {
    let rows = vectors("sproto_bundle.json");
    assert_eq!(rows.len(), 13);
    for row in rows {
        let bundle = compile(&bytes(&row["schema"]), b"=text").unwrap();
        assert_eq!(to_hex(&bundle), row["hex"], "{row}");
    }
}

/// What the reference says when it trips over its own code: ours says what is wrong.
const TRIPS: [&str; 3] = ["assertion failed!", "attempt to index", "attempt to add"];

#[test]
fn parser_vectors() {
    let rows = vectors("sproto_parser.json");
    assert_eq!(rows.len(), 51);
    for row in rows {
        let compiled = compile(&bytes(&row["schema"]), b"=text");
        match row["error"].as_str() {
            Some(error) if TRIPS.iter().any(|trip| error.starts_with(trip)) => {
                assert!(compiled.is_err(), "{row}");
            }
            Some(error) => assert_eq!(compiled.unwrap_err().to_string(), error, "{row}"),
            None => {
                let bundle = compiled.unwrap_or_else(|error| panic!("{row}: {error}"));
                assert_eq!(to_hex(&bundle), row["hex"], "{row}");
                assert_eq!(Schema::load(&bundle).is_some(), row["newproto"], "{row}");
            }
        }
    }
}

fn packed(input: &[u8]) -> Vec<u8> {
    let mut output = vec![0; packed_len_max(input.len())];
    let len = pack(input, &mut output);
    output.truncate(len);
    output
}

fn unpacked(input: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut output = vec![0; unpacked_room(input)?];
    let len = unpack(input, &mut output)?;
    output.truncate(len);
    Ok(output)
}

#[test]
fn what_is_packed_can_be_unpacked() {
    let mut input = Vec::new();
    for round in 0..3000_u32 {
        let byte = (round.wrapping_mul(2_654_435_761) >> 24) as u8;
        input.push(if byte < 40 { 0 } else { byte });
        let output = unpacked(&packed(&input)).unwrap();
        assert_eq!(output[..input.len()], input);
        assert!(output[input.len()..].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn cut_packed_bytes_are_refused() {
    for input in [&b"\x01"[..], b"\xff", b"\xff\x00", b"\xff\x001234567", b"\x00\x03a"] {
        assert_eq!(unpacked(input), Err(Malformed), "{input:?}");
    }
}

fn schema(text: &str) -> Schema {
    Schema::load(&compile(text.as_bytes(), b"=text").unwrap()).unwrap()
}

#[test]
fn every_cut_of_a_message_is_refused() {
    let schema = schema(".A { s 0 : string i 1 : *integer b 2 : boolean a 3 : *A }");
    let message =
        b"\x04\0\0\0\0\0\x04\0\0\0\x03\0\0\0abc\x05\0\0\0\x04\x01\0\0\0\x06\0\0\0\x02\0\0\0\0\0";
    assert_eq!(check(&schema, 0, message), Ok(message.len()));
    for len in 0..message.len() {
        assert_eq!(check(&schema, 0, &message[..len]), Err(Malformed), "{len}");
    }
}

#[test]
fn deep_messages_are_refused() {
    let schema = schema(".A { a 0 : A }");
    let nested = |depth: usize| {
        (0..depth).fold(b"\0\0".to_vec(), |inner, _| {
            let len = inner.len() as u32;
            [&b"\x01\0\0\0"[..], &len.to_le_bytes(), &inner].concat()
        })
    };
    assert!(check(&schema, 0, &nested(64)).is_ok());
    assert_eq!(check(&schema, 0, &nested(65)), Err(Malformed));
    assert_eq!(check(&schema, 0, &nested(100_000)), Err(Malformed));
}

#[test]
fn no_cut_or_changed_bundle_makes_the_loader_panic() {
    let text = ".A { .B { k 0 : string v 9 : A } i 0 : integer(2) m 1 : *B() k 2 : *B(k) }
        f 1 { request A response { x 0 : A.B } } g 2 { response nil }";
    let bundle = compile(text.as_bytes(), b"=text").unwrap();
    let schema = Schema::load(&bundle).unwrap();
    assert_eq!(schema.types().len(), 3);
    assert!(schema.protocol_by_name(b"g").unwrap().confirm);
    for at in 0..bundle.len() {
        assert!(Schema::load(&bundle[..at]).is_none(), "{at}");
        for value in [0, 1, 2, 3, 4, 8, 0x7f, 0xff] {
            let mut changed = bundle.clone();
            changed[at] = value;
            if let Some(schema) = Schema::load(&changed) {
                for index in 0..schema.types().len() {
                    let _ = check(&schema, index, &bundle);
                }
            }
        }
    }
}

#[test]
fn types_nested_too_deep_are_a_syntax_error() {
    let text = ".a{".repeat(100_000);
    assert!(matches!(compile(text.as_bytes(), b"x"), Err(CompileError::Syntax { line: 1, .. })));
}
