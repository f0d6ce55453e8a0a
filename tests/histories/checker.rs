//! Looks through the history of a queue for what no queue can do.
//!
//! When each value is pushed once, a complete history is one of a linearizable first-in-first-out
//! queue exactly when none of four patterns occurs (Henzinger, Sezgin, Vafeiadis, CONCUR 2013):
//! a value that comes from nowhere, one that comes twice, two that come out in the wrong order, and
//! "empty" said while some value was certainly inside. Each is looked for with a sort and a sweep,
//! so ten million operations take seconds.

use std::fmt;

/// What stands for "the queue was empty" instead of a value.
pub(crate) const EMPTY: u64 = u64::MAX;

/// A push or a pop: the value, and when the call began and had ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) value: u64,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// What no queue does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// The value was popped and never pushed, or popped before its push began.
    FromNowhere(u64),
    /// The value was popped twice.
    Twice(u64),
    /// The first was pushed before the push of the second began, and came out behind it or never.
    OutOfOrder(u64, u64),
    /// A pop between these moments found nothing, while values that were pushed before and popped
    /// later covered the whole time.
    NotEmpty(u64, u64),
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FromNowhere(value) => write!(f, "{value} came from nowhere"),
            Self::Twice(value) => write!(f, "{value} came twice"),
            Self::OutOfOrder(first, second) => write!(f, "{second} passed {first}"),
            Self::NotEmpty(start, end) => {
                write!(f, "between {start} and {end} the queue was not empty and said so")
            }
        }
    }
}

/// When a value went in and came out; `u64::MAX` for never.
#[derive(Clone, Copy)]
struct Life {
    push: (u64, u64),
    pop: (u64, u64),
}

const NEVER: (u64, u64) = (u64::MAX, u64::MAX);

/// Checks a history. Values are small numbers, each pushed at most once.
pub(crate) fn check(pushes: &[Operation], pops: &[Operation]) -> Result<(), Bad> {
    let values = pushes.iter().map(|push| push.value + 1).max().unwrap_or(0) as usize;
    let mut lives = vec![Life { push: NEVER, pop: NEVER }; values];
    for push in pushes {
        lives[push.value as usize].push = (push.start, push.end);
    }
    for pop in pops.iter().filter(|pop| pop.value != EMPTY) {
        let life = lives.get_mut(pop.value as usize).filter(|life| life.push.0 <= pop.end);
        let life = life.ok_or(Bad::FromNowhere(pop.value))?;
        if life.pop != NEVER {
            return Err(Bad::Twice(pop.value));
        }
        life.pop = (pop.start, pop.end);
    }
    check_order(&lives)?;
    check_empty(&lives, pops)
}

/// Goes through the values in the order in which their pushes began, and remembers of those whose
/// push had ended by then the one whose pop began last: it must not be behind.
fn check_order(lives: &[Life]) -> Result<(), Bad> {
    let mut began: Vec<usize> = (0..lives.len()).filter(|&v| lives[v].push != NEVER).collect();
    let mut ended = began.clone();
    began.sort_unstable_by_key(|&value| lives[value].push.0);
    ended.sort_unstable_by_key(|&value| lives[value].push.1);
    let mut ended = ended.into_iter().peekable();
    let mut latest: Option<usize> = None;
    for second in began {
        let is_before = |&first: &usize| lives[first].push.1 < lives[second].push.0;
        while let Some(first) = ended.next_if(is_before) {
            if latest.is_none_or(|latest| lives[first].pop.0 > lives[latest].pop.0) {
                latest = Some(first);
            }
        }
        if let Some(first) = latest
            && lives[second].pop.1 < lives[first].pop.0
        {
            return Err(Bad::OutOfOrder(first as u64, second as u64));
        }
    }
    Ok(())
}

/// Joins the times in which values were certainly inside, and looks whether one of them covers a
/// pop that found nothing.
fn check_empty(lives: &[Life], pops: &[Operation]) -> Result<(), Bad> {
    let mut inside: Vec<(u64, u64)> =
        lives.iter().map(|life| (life.push.1, life.pop.0)).filter(|(from, to)| from < to).collect();
    inside.sort_unstable();
    let mut covered: Vec<(u64, u64)> = Vec::new();
    for (from, to) in inside {
        match covered.last_mut() {
            // At the moment where one ends and the next begins the queue may have been empty.
            Some(last) if from < last.1 => last.1 = last.1.max(to),
            _ => covered.push((from, to)),
        }
    }
    for pop in pops.iter().filter(|pop| pop.value == EMPTY) {
        let behind = covered.partition_point(|(from, _)| *from < pop.start);
        if behind > 0 && pop.end < covered[behind - 1].1 {
            return Err(Bad::NotEmpty(pop.start, pop.end));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations(list: &[(u64, u64, u64)]) -> Vec<Operation> {
        list.iter().map(|&(value, start, end)| Operation { value, start, end }).collect()
    }

    fn check_all(pushes: &[(u64, u64, u64)], pops: &[(u64, u64, u64)]) -> Result<(), Bad> {
        check(&operations(pushes), &operations(pops))
    }

    #[test]
    fn a_queue_in_order_is_one() {
        let pushes = [(0, 0, 1), (1, 2, 3), (2, 4, 5)];
        let pops = [(EMPTY, 0, 1), (0, 6, 7), (1, 8, 9), (2, 10, 11), (EMPTY, 12, 13)];
        assert_eq!(check_all(&pushes, &pops), Ok(()));
    }

    #[test]
    fn overlapping_pushes_come_out_in_any_order() {
        assert_eq!(check_all(&[(0, 0, 5), (1, 5, 9)], &[(1, 10, 11), (0, 12, 13)]), Ok(()));
    }

    #[test]
    fn overlapping_pops_return_in_any_order() {
        assert_eq!(check_all(&[(0, 0, 1), (1, 2, 3)], &[(1, 4, 6), (0, 6, 9)]), Ok(()));
    }

    #[test]
    fn a_value_that_was_never_pushed_is_seen() {
        assert_eq!(check_all(&[(0, 0, 1)], &[(7, 2, 3)]), Err(Bad::FromNowhere(7)));
        assert_eq!(check_all(&[(1, 0, 1)], &[(0, 2, 3)]), Err(Bad::FromNowhere(0)));
    }

    #[test]
    fn a_value_that_came_before_its_push_is_seen() {
        assert_eq!(check_all(&[(0, 5, 6)], &[(0, 2, 3)]), Err(Bad::FromNowhere(0)));
    }

    #[test]
    fn a_value_that_comes_twice_is_seen() {
        assert_eq!(check_all(&[(0, 0, 1)], &[(0, 2, 3), (0, 4, 5)]), Err(Bad::Twice(0)));
    }

    #[test]
    fn a_value_that_passes_another_is_seen() {
        let outcome = check_all(&[(0, 0, 1), (1, 2, 3)], &[(1, 4, 5), (0, 6, 7)]);
        assert_eq!(outcome, Err(Bad::OutOfOrder(0, 1)));
    }

    #[test]
    fn a_value_that_never_comes_while_a_later_one_does_is_seen() {
        let outcome = check_all(&[(0, 0, 1), (1, 2, 3)], &[(1, 4, 5)]);
        assert_eq!(outcome, Err(Bad::OutOfOrder(0, 1)));
    }

    #[test]
    fn empty_while_a_value_is_inside_is_seen() {
        let outcome = check_all(&[(0, 0, 1)], &[(EMPTY, 2, 3), (0, 4, 5)]);
        assert_eq!(outcome, Err(Bad::NotEmpty(2, 3)));
    }

    #[test]
    fn empty_while_one_value_follows_the_other_is_seen() {
        let pushes = [(0, 0, 1), (1, 3, 4)];
        let outcome = check_all(&pushes, &[(EMPTY, 2, 8), (0, 5, 6), (1, 9, 10)]);
        assert_eq!(outcome, Err(Bad::NotEmpty(2, 8)));
    }

    #[test]
    fn empty_between_two_values_may_be() {
        let pushes = [(0, 0, 1), (1, 5, 6)];
        assert_eq!(check_all(&pushes, &[(EMPTY, 2, 8), (0, 3, 4), (1, 9, 10)]), Ok(()));
    }

    #[test]
    fn a_value_that_is_lost_shows_as_empty() {
        assert_eq!(check_all(&[(0, 0, 1)], &[(EMPTY, 2, 3)]), Err(Bad::NotEmpty(2, 3)));
    }
}
