//! How a text is read as a number or a flag, by the rules that applications rely on.
//!
//! `settings` uses the lenient readings, which never fail; `check` uses the strict ones to point
//! at a text that the lenient reading turns into something else than its author meant.

/// Reads the longest prefix that is a decimal integer, after white space and a sign, as C's
/// `strtol` does: `2.7` is 2, `abc` and `0x10` are 0. A value out of range is the nearest one.
pub(super) fn integer(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |value, byte| {
        let digit = i64::from(byte - b'0');
        let value = i64::saturating_mul(value, 10);
        if negative { value.saturating_sub(digit) } else { value.saturating_add(digit) }
    })
}

/// Only the exact text `true` is true: `1` and `yes` are not.
pub(super) fn flag(text: &[u8]) -> bool {
    text == b"true"
}

/// Says whether `integer` reads the whole text.
pub(super) fn is_integer(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<i64>().is_ok())
}

/// Says whether a text is one of the two that a flag should hold.
pub(super) fn is_flag(text: &[u8]) -> bool {
    matches!(text, b"true" | b"false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_is_the_longest_decimal_prefix() {
        let readings: [(&[u8], i64); 9] = [
            (b"12", 12),
            (b"2.7", 2),
            (b"abc", 0),
            (b"0x10", 0),
            (b" \t-3x", -3),
            (b"+7", 7),
            (b"", 0),
            (b"99999999999999999999", i64::MAX),
            (b"-99999999999999999999", i64::MIN),
        ];
        for (text, value) in readings {
            assert_eq!(integer(text), value, "{:?}", text.escape_ascii().to_string());
        }
    }

    #[test]
    fn only_true_is_true() {
        assert!(flag(b"true"));
        for text in [b"1".as_slice(), b"yes", b"True", b"true ", b""] {
            assert!(!flag(text));
        }
    }

    #[test]
    fn the_strict_readings_refuse_what_the_lenient_ones_bend() {
        assert!(is_integer(b"-12") && !is_integer(b"2.7") && !is_integer(b"\xff"));
        assert!(is_flag(b"false") && !is_flag(b"1"));
    }
}
