//! The command `LOCKS`: the counters of `sync::stats` as text.
//!
//! Called by `command`. The parameter is nothing (a table), `on`, `off` (each with a class or
//! without), `reset`, or `json` (the profile that `ironsky lab` replays). The answer is always a
//! text, an error too: whoever types it into a console wants to know.

use crate::sync::stats::{self, StatsError};

const USAGE: &str = "LOCKS [on [class] | off [class] | reset | json]";

/// Carries out `LOCKS param`.
pub(super) fn command(param: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(param);
    let answer = carry_out(&text).unwrap_or_else(|error| error.to_string());
    answer.into_bytes()
}

fn carry_out(param: &str) -> Result<String, StatsError> {
    let words: Vec<&str> = param.split_whitespace().collect();
    match words[..] {
        [] => stats::snapshot().map(|stats| stats::table(&stats)),
        ["json"] => stats::snapshot().map(|stats| stats::profile(&stats)),
        ["on"] => stats::enable(None).map(|()| done("counting all classes")),
        ["on", class] => stats::enable(Some(class)).map(|()| done(&format!("counting {class}"))),
        ["off"] => stats::disable(None).map(|()| done("counting nothing")),
        ["off", class] => {
            stats::disable(Some(class)).map(|()| done(&format!("not counting {class}")))
        }
        ["reset"] => stats::reset().map(|()| done("counters are zero")),
        _ => Ok(format!("{param:?} is none of {USAGE}")),
    }
}

fn done(what: &str) -> String {
    what.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(param: &str) -> String {
        String::from_utf8(command(param.as_bytes())).unwrap()
    }

    #[test]
    fn a_parameter_that_is_none_is_answered_with_those_that_are() {
        for param in ["of", "on mailbox timer", "\u{fffd}"] {
            let answer = answer(param);
            assert!(answer.starts_with(&format!("{param:?}")) && answer.ends_with(USAGE));
        }
    }

    #[test]
    fn the_counters_answer_or_say_how_to_get_them() {
        if !stats::IS_BUILT {
            for param in ["", "json", "on", "off timer", "reset"] {
                assert_eq!(answer(param), StatsError::NotBuilt.to_string());
            }
            return;
        }
        assert!(answer("on tables").starts_with("no lock class \"tables\": the classes are body"));
        assert_eq!(answer("on environment"), "counting environment");
        let environment = crate::config::Environment::new();
        assert!(environment.get("nothing").is_none());
        let is_row = |row: &str| row.starts_with("environment") && row.contains(" on ");
        assert!(answer("").lines().any(is_row));
        assert!(answer("json").contains("{\"class\":\"environment\",\"kind\":\"shared\""));
        assert_eq!(answer("off environment"), "not counting environment");
    }
}
