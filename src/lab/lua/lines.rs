//! The results in the log of a workload.
//!
//! A result is a line with `RATE`, a name, a number and `a second`, as `benches/lua/rates.lua`
//! logs it:
//!
//! ```text
//! [:00000009] RATE calls, 1 pair                     123456 a second
//! ```

use super::LuaLabError;

/// One result.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rate {
    /// What was counted.
    pub(super) name: String,
    /// How often it was done.
    pub(super) per_second: f64,
}

/// What a line of results has in it.
const MARK: &str = "RATE ";

/// Reads the results out of a log; other lines do not matter. Of two results of one name the
/// later counts.
///
/// # Errors
/// When a line with the mark has no name, no number, or another unit.
pub(super) fn rates(log: &str) -> Result<Vec<Rate>, LuaLabError> {
    let mut rates: Vec<Rate> = Vec::new();
    for line in log.lines() {
        let Some(result) = behind_mark(line) else { continue };
        let rate = rate(result).ok_or_else(|| LuaLabError::Unit { line: line.to_owned() })?;
        rates.retain(|earlier| earlier.name != rate.name);
        rates.push(rate);
    }
    Ok(rates)
}

/// Returns what follows the mark, where it stands as a word.
fn behind_mark(line: &str) -> Option<&str> {
    let (front, result) = line.split_once(MARK)?;
    (front.is_empty() || front.ends_with(char::is_whitespace)).then_some(result)
}

/// Reads what follows the mark: the number is the last word before the unit.
fn rate(result: &str) -> Option<Rate> {
    let front = result.trim_end().strip_suffix("a second")?.trim_end();
    let (name, number) = front.rsplit_once(char::is_whitespace)?;
    let per_second: f64 = number.parse().ok()?;
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_sound = !name.is_empty() && per_second.is_finite() && per_second >= 0.0;
    is_sound.then_some(Rate { name, per_second })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(log: &str) -> Vec<(String, f64)> {
        let rates = rates(log).expect("the lines are sound").into_iter();
        rates.map(|rate| (rate.name, rate.per_second)).collect()
    }

    #[test]
    fn lines_of_the_rates_benchmark_are_read() {
        let log = "[:00000002] LAUNCH snlua rates\n\
                   [:00000009] RATE calls, 1 pair                     123456 a second\n\
                   [:00000009] RATE sends                            7890123 a second\r\n\
                   [:00000009] KILL self\n";
        let expected = [("calls, 1 pair".to_owned(), 123_456.0), ("sends".into(), 7_890_123.0)];
        assert_eq!(read(log), expected);
    }

    #[test]
    fn a_name_may_have_numbers_and_a_rate_a_fraction() {
        assert_eq!(read("RATE 8 pairs 2 1.5 a second"), [("8 pairs 2".to_owned(), 1.5)]);
    }

    #[test]
    fn the_later_of_two_results_counts() {
        let log = "RATE a 1 a second\nRATE b 5 a second\nRATE a 2 a second";
        assert_eq!(read(log), [("b".to_owned(), 5.0), ("a".into(), 2.0)]);
    }

    #[test]
    fn other_lines_do_not_matter() {
        assert_eq!(read("no result\nRATES 5\nSEPARATE 5 ms\n\n"), []);
    }

    #[test]
    fn a_result_that_cannot_be_compared_is_named() {
        let wrong = ["RATE a 5 ms", "RATE a second", "RATE a nan a second", "RATE 5 a second"];
        for line in wrong {
            let error = rates(line).expect_err(line).to_string();
            assert!(error.contains(line), "{error}");
        }
    }
}
