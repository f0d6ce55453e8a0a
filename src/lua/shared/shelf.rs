//! Trees on their way from one service to another, by number.
//!
//! The shelf keeps no tree alive: whoever offers one holds it until the other side has taken it.
//! So nothing is lost with a message that is never handled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::tree::Tree;

/// So many entries are kept before the dead ones are looked for.
const SWEEP_FIRST: usize = 64;

/// All trees of a node that were offered and live.
#[derive(Default)]
pub(in crate::lua) struct Shelf {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    trees: HashMap<i64, Weak<Tree>>,
    last: i64,
    sweep_at: usize,
}

impl Shelf {
    /// Puts a tree there and returns its number.
    pub(super) fn offer(&self, tree: &Arc<Tree>) -> i64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.trees.len() >= state.sweep_at.max(SWEEP_FIRST) {
            state.trees.retain(|_, tree| tree.strong_count() > 0);
            state.sweep_at = state.trees.len() * 2;
        }
        state.last += 1;
        let number = state.last;
        state.trees.insert(number, Arc::downgrade(tree));
        number
    }

    /// Takes a tree, if it still lives.
    pub(super) fn open(&self, number: i64) -> Option<Arc<Tree>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.trees.get(&number).and_then(Weak::upgrade)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::Builder;
    use super::*;

    #[test]
    fn a_tree_lives_as_long_as_somebody_holds_it() {
        let shelf = Shelf::default();
        let tree = Arc::new(Builder::default().finish());
        let number = shelf.offer(&tree);
        assert!(shelf.open(number).is_some_and(|taken| Arc::ptr_eq(&taken, &tree)));
        drop(tree);
        assert!(shelf.open(number).is_none());
        assert!(shelf.open(number + 1).is_none());
    }

    #[test]
    fn dead_entries_are_swept() {
        let shelf = Shelf::default();
        for _ in 0..10 * SWEEP_FIRST {
            shelf.offer(&Arc::new(Builder::default().finish()));
        }
        let state = shelf.state.lock().unwrap();
        assert!(state.trees.len() <= SWEEP_FIRST);
    }
}
