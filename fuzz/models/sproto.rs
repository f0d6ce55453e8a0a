//! Bytes that claim to be a schema, a bundle, a message or packed bytes of sproto.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs`. The first byte says what the others
//! are.

use std::sync::LazyLock;

use ironsky::codec::sproto::{Schema, check, compile, pack, packed_len_max, unpack, unpacked_len};

/// A schema with every kind of field.
const TEXT: &[u8] = b".KV { k 0 : string v 1 : integer }
    .All { i 0 : integer b 1 : boolean s 2 : string x 3 : binary d 4 : double f 5 : integer(3)
    ai 6 : *integer ab 7 : *boolean as 8 : *string ad 9 : *double af 10 : *integer(1) st 11 : All
    ast 12 : *All mk 13 : *KV(k) mp 14 : *KV() far 200 : KV }
    ask 1 { request All response { kv 0 : KV } } tell 2 { response nil }";

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let bundle = compile(TEXT, b"all").expect("the schema is right");
    Schema::load(&bundle).expect("what was compiled can be loaded")
});

/// Reads what the first byte says; panics where two ways do not agree.
pub(crate) fn run(bytes: &[u8]) {
    let Some((what, rest)) = bytes.split_first() else { return };
    match what % 4 {
        0 => message(rest),
        1 => bundle(rest),
        2 => packed(rest),
        _ => text(rest),
    }
}

fn message(bytes: &[u8]) {
    for index in 0..SCHEMA.types().len() {
        if let Ok(len) = check(&SCHEMA, index, bytes) {
            // What stands behind a message changes nothing, and nothing of it can be missing.
            assert_eq!(check(&SCHEMA, index, &bytes[..len]), Ok(len));
            assert!(len == 0 || check(&SCHEMA, index, &bytes[..len - 1]).is_err());
        }
    }
}

fn bundle(bytes: &[u8]) {
    let Some(schema) = Schema::load(bytes) else { return };
    for (index, one) in schema.types().iter().enumerate() {
        assert!(schema.type_by_name(&one.name).is_some());
        assert!(one.fields.is_sorted_by(|a, b| a.tag < b.tag));
        let _ = check(&schema, index, bytes);
    }
    for protocol in schema.protocols() {
        assert!(schema.protocol_by_name(&protocol.name).is_some());
        assert!(schema.protocol_by_tag(protocol.tag).is_some());
    }
}

fn packed(bytes: &[u8]) {
    round_trip(bytes);
    let Ok(len) = unpacked_len(bytes) else { return };
    let mut unpacked = vec![0; len];
    unpack(bytes, &mut unpacked).expect("its length was found");
    round_trip(&unpacked);
}

fn round_trip(bytes: &[u8]) {
    let mut output = vec![0; packed_len_max(bytes.len())];
    let len = pack(bytes, &mut output);
    let padded = unpacked_len(&output[..len]).expect("what was packed can be unpacked");
    let mut again = vec![0; padded];
    unpack(&output[..len], &mut again).expect("as above");
    assert_eq!(padded, bytes.len().next_multiple_of(8));
    assert_eq!(&again[..bytes.len()], bytes);
    assert!(again[bytes.len()..].iter().all(|byte| *byte == 0));
}

fn text(bytes: &[u8]) {
    match compile(bytes, b"text") {
        Ok(bundle) => drop(Schema::load(&bundle)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
