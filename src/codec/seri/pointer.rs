//! Finds pointers in bodies that come from outside the process, where no pointer can be right.

use super::{Decoder, Token};

/// Tells whether a body has a pointer in front of its first malformed byte, if it has one.
pub fn holds_pointer(body: &[u8]) -> bool {
    // Tables are written as their head and their items one behind the other, so all items of a
    // body can be read in one loop.
    let mut decoder = Decoder::new(body);
    while let Ok(token) = decoder.token() {
        if matches!(token, Token::Pointer(_)) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::{Table, Value, encode};
    use super::holds_pointer;

    fn nested(value: Value) -> Vec<u8> {
        let inner = Table { array: vec![Value::Integer(1), value], ..Table::default() };
        let outer = Table {
            pairs: vec![(Value::String(b"key".to_vec()), Value::Table(inner))],
            ..Table::default()
        };
        encode(&[Value::Float(1.5), Value::Table(outer), Value::Nil]).expect("shallow")
    }

    #[test]
    fn a_pointer_is_found_in_every_place() {
        assert!(holds_pointer(&encode(&[Value::Pointer(8)]).expect("flat")));
        assert!(holds_pointer(&nested(Value::Pointer(8))));
    }

    #[test]
    fn other_values_hold_none() {
        for value in [Value::Nil, Value::Integer(-1 << 40), Value::String(vec![3; 100])] {
            assert!(!holds_pointer(&nested(value)));
        }
        assert!(!holds_pointer(b""));
    }

    #[test]
    fn malformed_bytes_end_the_search() {
        assert!(!holds_pointer(&[0xff, 3, 0, 0, 0, 0, 0, 0, 0, 0]));
    }
}
