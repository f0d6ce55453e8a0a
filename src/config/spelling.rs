//! Finds the key that a misspelt one probably means. `check` asks it about every key that the
//! runtime does not know; such a key may well belong to the application, so this only suggests.

use super::keys::KEYS;

/// Returns the known key that `key` looks like, unless it is known itself.
pub(super) fn suggestion(key: &str) -> Option<&'static str> {
    let known = || KEYS.iter().map(|&(name, _)| name);
    if known().any(|name| name == key) {
        return None;
    }
    let near = |name: &&str| distance(key, name) <= tolerance(name);
    known().filter(near).min_by_key(|name| distance(key, name))
}

/// Short names are near to too many others to forgive two slips.
fn tolerance(name: &str) -> usize {
    if name.len() <= 5 { 1 } else { 2 }
}

/// The number of slips (a letter too many, missing, wrong, or two swapped) between two words.
fn distance(left: &str, right: &str) -> usize {
    let (left, right) = (left.to_ascii_lowercase(), right.as_bytes());
    let left = left.as_bytes();
    let mut rows = [Vec::new(), Vec::new(), (0..=right.len()).collect::<Vec<usize>>()];
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let wrong = usize::from(left[i - 1] != right[j - 1]);
            let step = (rows[2][j] + 1).min(row[j - 1] + 1).min(rows[2][j - 1] + wrong);
            row.push(if is_swap(left, right, i, j) { step.min(rows[1][j - 2] + 1) } else { step });
        }
        rows.rotate_left(1);
        rows[2] = row;
    }
    rows[2][right.len()]
}

fn is_swap(left: &[u8], right: &[u8], i: usize, j: usize) -> bool {
    i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_slips() {
        let distances = [
            ("thread", "thread", 0),
            ("theard", "thread", 2),
            ("thraed", "thread", 1),
            ("Thread", "thread", 0),
            ("", "start", 5),
            ("x", "start", 5),
            ("lua_cpth", "lua_cpath", 1),
        ];
        for (left, right, slips) in distances {
            assert_eq!(distance(left, right), slips, "{left} {right}");
        }
    }

    #[test]
    fn suggests_the_nearest_known_key() {
        assert_eq!(suggestion("theard"), Some("thread"));
        assert_eq!(suggestion("threads"), Some("thread"));
        assert_eq!(suggestion("Start"), Some("start"));
        assert_eq!(suggestion("lua_service"), Some("luaservice"));
    }

    #[test]
    fn known_and_unrelated_keys_suggest_nothing() {
        for key in ["thread", "snax", "port", "root", "mqueue", "db_host", "luaservice"] {
            assert_eq!(suggestion(key), None, "{key}");
        }
    }
}
