//! The codec against its own rules; the Lua bindings run the vectors of the reference.

use proptest::prelude::*;

use super::*;

fn bytes_of(value: Value) -> Vec<u8> {
    encode(&[value]).unwrap()
}

fn nested(tables: u32, innermost: Vec<Value>) -> Value {
    let mut table = Table { array: innermost, pairs: Vec::new() };
    for _ in 1..tables {
        table = Table { array: vec![Value::Table(table)], pairs: Vec::new() };
    }
    Value::Table(table)
}

#[track_caller]
fn check_integer(value: i64, bytes: &[u8]) {
    assert_eq!(bytes_of(Value::Integer(value)), bytes);
    assert_eq!(decode(bytes).unwrap(), [Value::Integer(value)]);
}

#[test]
fn integer_takes_its_shortest_form() {
    check_integer(0, &[0x02]);
    check_integer(1, &[0x0a, 1]);
    check_integer(255, &[0x0a, 255]);
    check_integer(256, &[0x12, 0, 1]);
    check_integer(65535, &[0x12, 0xff, 0xff]);
    check_integer(65536, &[0x22, 0, 0, 1, 0]);
    check_integer(-1, &[0x22, 0xff, 0xff, 0xff, 0xff]);
    check_integer(0x7fff_ffff, &[0x22, 0xff, 0xff, 0xff, 0x7f]);
    check_integer(-0x8000_0000, &[0x22, 0, 0, 0, 0x80]);
    check_integer(0x8000_0000, &[0x32, 0, 0, 0, 0x80, 0, 0, 0, 0]);
    check_integer(-0x8000_0001, &[0x32, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff]);
}

#[test]
fn string_head_follows_its_length() {
    for (len, head) in [
        (0, &[0x04][..]),
        (31, &[0xfc]),
        (32, &[0x15, 32, 0]),
        (65535, &[0x15, 0xff, 0xff]),
        (65536, &[0x25, 0, 0, 1, 0]),
    ] {
        let text = vec![b'x'; len];
        let bytes = bytes_of(Value::String(text.clone()));
        assert_eq!(bytes, [head, &text].concat());
        let mut encoder = Encoder::new();
        encoder.string_head(len).unwrap();
        assert_eq!(encoder.as_bytes(), head);
    }
}

#[test]
fn value_below_32_tables_is_the_deepest() {
    let deepest = nested(32, vec![Value::Nil]);
    assert_eq!(decode(&bytes_of(deepest.clone())).unwrap(), [deepest]);
    let empty = nested(33, Vec::new());
    assert_eq!(decode(&bytes_of(empty.clone())).unwrap(), [empty]);
    assert_eq!(encode(&[nested(33, vec![Value::Nil])]), Err(EncodeError::TooDeep));
    assert_eq!(encode(&[nested(34, Vec::new())]), Err(EncodeError::TooDeep));
}

#[test]
fn reader_refuses_what_no_writer_may_nest() {
    let tables = 100_000;
    let error = decode(&vec![0x0e; tables]).unwrap_err();
    assert_eq!(error, DecodeError { fault: Fault::TooDeep, left: tables - 34 });
    let mut bytes = [vec![0x0e; 33], vec![0x01], vec![0; 33]].concat();
    assert_eq!(decode(&bytes).unwrap_err(), DecodeError { fault: Fault::TooDeep, left: 33 });
    bytes[32] = 0x06;
    bytes.remove(33);
    assert!(decode(&bytes).is_ok());
}

#[test]
fn nil_key_cannot_be_written() {
    let table = Table { array: Vec::new(), pairs: vec![(Value::Nil, Value::Integer(1))] };
    assert_eq!(encode(&[Value::Table(table)]), Err(EncodeError::NilKey));
}

#[test]
fn claimed_array_is_reserved_only_as_far_as_bytes_reach() {
    let bytes = [0xfe, 0x22, 0xff, 0xff, 0xff, 0x7f, 0x00];
    let mut decoder = Decoder::new(&bytes);
    assert_eq!(decoder.token(), Ok(Token::Table(0x7fff_ffff)));
    assert_eq!(decoder.reserve(0x7fff_ffff), bytes.len());
    assert_eq!(decoder.reserve(0x7fff_ffff), 0);
    assert_eq!(decode(&bytes), Err(DecodeError { fault: Fault::ValueMissing, left: 0 }));
}

#[test]
fn pairs_are_counted_ahead() {
    // {7, {x = 1}, a = {b = 1}, c = "dd"}
    let bytes = *b"\x16\x0a\x07\x06\x0cx\x0a\x01\x00\x0ca\x06\x0cb\x0a\x01\x00\x0cc\x14dd\x00";
    let mut decoder = Decoder::new(&bytes);
    assert_eq!(decoder.token(), Ok(Token::Table(2)));
    assert_eq!(decoder.count_pairs(2, 1), 2);
    assert_eq!(decoder.rest().len(), bytes.len() - 1);
    assert_eq!(Decoder::new(&bytes[1..bytes.len() - 3]).count_pairs(2, 1), 1);
    assert_eq!(Decoder::new(&bytes[1..5]).count_pairs(2, 1), 0);
}

#[test]
fn error_text_has_the_shape_scripts_match() {
    assert_eq!(
        decode(&[0x12, 0x01]).unwrap_err().to_string(),
        "Invalid serialize stream 1 (line:4)"
    );
    assert_eq!(EncodeError::TooDeep.to_string(), "serialize can't pack too depth table");
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Integer),
        any::<i32>().prop_map(|value| Value::Integer(value.into())),
        any::<u16>().prop_map(|value| Value::Integer(value.into())),
        any::<f64>().prop_filter("equal to itself", |x| !x.is_nan()).prop_map(Value::Float),
        any::<u64>().prop_map(Value::Pointer),
        prop::collection::vec(any::<u8>(), 0..80).prop_map(Value::String),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(5, 64, 40, |inner| {
        let key = inner.clone().prop_filter("a key", |key| *key != Value::Nil);
        let array = prop::collection::vec(inner.clone(), 0..40);
        let pairs = prop::collection::vec((key, inner), 0..6);
        (array, pairs).prop_map(|(array, pairs)| Value::Table(Table { array, pairs }))
    })
}

proptest! {
    #[test]
    fn decoding_gives_back_what_was_encoded(values in prop::collection::vec(value(), 0..6)) {
        let bytes = encode(&values).unwrap();
        prop_assert_eq!(decode(&bytes).unwrap(), values);
    }

    #[test]
    fn decoding_stops_at_every_cut(value in value()) {
        let bytes = bytes_of(value);
        for cut in 1..bytes.len().min(64) {
            prop_assert!(decode(&bytes[..cut]).is_err(), "cut at {}", cut);
        }
    }

    #[test]
    fn decoding_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(values) = decode(&bytes) {
            let again = encode(&values).unwrap();
            prop_assert_eq!(encode(&decode(&again).unwrap()).unwrap(), again);
        }
    }
}
