//! One line of the log, byte for byte as operators and their scripts know it.
//!
//! The built-in log service appends lines to a buffer and writes the buffer out. The text is
//! copied as it is: line feeds and NUL bytes pass through.

use super::local_time::LocalTime;
use std::io::Write;

/// Appends the form that a file gets: `DD/MM/YY HH:MM:SS.cc [:hhhhhhhh] text`.
pub fn push_dated(out: &mut Vec<u8>, time: LocalTime, centis: u64, source: u32, text: &[u8]) {
    let LocalTime { year, month, day, hour, minute, second, .. } = time;
    let (year, month, centis) = (year.rem_euclid(100), month + 1, centis % 100);
    let _ = write!(out, "{day:02}/{month:02}/{year:02} ");
    let _ = write!(out, "{hour:02}:{minute:02}:{second:02}.{centis:02} ");
    push_plain(out, source, text);
}

/// Appends the form that the standard output gets: `[:hhhhhhhh] text`.
pub fn push_plain(out: &mut Vec<u8>, source: u32, text: &[u8]) {
    let _ = write!(out, "[:{source:08x}] ");
    out.extend_from_slice(text);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: LocalTime =
        LocalTime { year: 2026, month: 10, day: 21, weekday: 6, hour: 19, minute: 40, second: 14 };

    fn dated(time: LocalTime, centis: u64) -> String {
        let mut out = Vec::new();
        push_dated(&mut out, time, centis, 8, b"tick 128");
        String::from_utf8(out).unwrap()
    }

    fn plain(source: u32, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        push_plain(&mut out, source, text);
        out
    }

    #[test]
    fn a_file_gets_date_and_time() {
        assert_eq!(dated(TIME, 28), "21/11/26 19:40:14.28 [:00000008] tick 128\n");
    }

    #[test]
    fn numbers_are_padded_and_cut_to_two_digits() {
        let early =
            LocalTime { year: 2100, month: 0, day: 1, hour: 2, minute: 3, second: 4, ..TIME };
        assert_eq!(dated(early, 12_305), "01/01/00 02:03:04.05 [:00000008] tick 128\n");
    }

    #[test]
    fn the_standard_output_gets_no_time() {
        assert_eq!(plain(0x0100_00ff, b"hello"), b"[:010000ff] hello\n");
        assert_eq!(plain(0, b""), b"[:00000000] \n");
    }

    #[test]
    fn the_text_is_raw() {
        assert_eq!(plain(1, b"a\nb\0\xff"), b"[:00000001] a\nb\0\xff\n");
    }
}
