//! Bugs in the locks.

use super::Mutant;

const SPIN: &str = "src/sync/lock/spin.rs";
const MUTEX: &str = "src/sync/lock/mutex.rs";
const FAIR: &str = "src/sync/lock/fair.rs";
const PHASED: &str = "src/sync/lock/phased.rs";
const READ: &str = "src/sync/lock/rw_read.rs";
const REENTRANT: &str = "src/sync/lock/reentrant.rs";
const OPTIMISTIC: &str = "src/sync/lock/optimistic.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "spin-release-relaxed",
        file: SPIN,
        text: "self.locked.store(false, Ordering::Release);",
        replacement: "self.locked.store(false, Ordering::Relaxed);",
        breaks: "the next holder may not see what was written under the lock",
    },
    Mutant {
        name: "spin-acquire-relaxed",
        file: SPIN,
        text: "compare_exchange(false, true, Ordering::Acquire,",
        replacement: "compare_exchange(false, true, Ordering::Relaxed,",
        breaks: "the holder may not see what was written under the lock",
    },
    Mutant {
        name: "spin-two-steps",
        file: SPIN,
        text: "self.locked.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)",
        replacement: "(if self.locked.load(Ordering::Acquire) {
            Err(())
        } else {
            Ok(self.locked.store(true, Ordering::Relaxed))
        })",
        breaks: "two threads find the lock free and both take it",
    },
    Mutant {
        name: "mutex-release-relaxed",
        file: MUTEX,
        text: "if self.state.swap(FREE, Ordering::Release) == CONTENDED {",
        replacement: "if self.state.swap(FREE, Ordering::Relaxed) == CONTENDED {",
        breaks: "the next holder may not see what was written under the lock",
    },
    Mutant {
        name: "mutex-acquire-relaxed",
        file: MUTEX,
        text: "compare_exchange(FREE, HELD, Ordering::Acquire,",
        replacement: "compare_exchange(FREE, HELD, Ordering::Relaxed,",
        breaks: "the holder may not see what was written under the lock",
    },
    Mutant {
        name: "mutex-slow-acquire-relaxed",
        file: MUTEX,
        text: "while self.state.swap(CONTENDED, Ordering::Acquire) != FREE {",
        replacement: "while self.state.swap(CONTENDED, Ordering::Relaxed) != FREE {",
        breaks: "a holder that waited may not see what was written under the lock",
    },
    Mutant {
        name: "mutex-missing-wake",
        file: MUTEX,
        text: "            self.wake_one();\n",
        replacement: "",
        breaks: "who is parked sleeps for ever",
    },
    Mutant {
        name: "mutex-parks-unannounced",
        file: MUTEX,
        text: "while self.state.swap(CONTENDED, Ordering::Acquire) != FREE {
            futex::wait(&self.state, CONTENDED, futex::ANYBODY);",
        replacement: "while self.state.swap(HELD, Ordering::Acquire) != FREE {
            futex::wait(&self.state, HELD, futex::ANYBODY);",
        breaks: "the holder does not know that somebody is parked",
    },
    Mutant {
        name: "mutex-forgets-the-others",
        file: MUTEX,
        text: "            self.look_around();\n        }",
        replacement: "            if self.look_around() == FREE && self.take() {
                return;
            }
        }",
        breaks: "one that was parked takes the lock as if nobody else were",
    },
    Mutant {
        name: "fair-pass-on-relaxed",
        file: FAIR,
        text: "                passed,\n                Ordering::Release,",
        replacement: "                passed,\n                Ordering::Relaxed,",
        breaks: "the next in line may not see what was written under the lock",
    },
    Mutant {
        name: "fair-turn-relaxed",
        file: FAIR,
        text: "let state = self.state.load(Ordering::Acquire);
            if turn(state) == ticket {",
        replacement: "let state = self.state.load(Ordering::Relaxed);
            if turn(state) == ticket {",
        breaks: "one that waited for its turn may not see what was written under the lock",
    },
    Mutant {
        name: "fair-release-relaxed",
        file: FAIR,
        text: "compare_exchange(HELD, FREE, Ordering::Release,",
        replacement: "compare_exchange(HELD, FREE, Ordering::Relaxed,",
        breaks: "the next holder may not see what was written under the lock",
    },
    Mutant {
        name: "fair-missing-wake",
        file: FAIR,
        text: "Ok(_) => return self.wake_next(state),",
        replacement: "Ok(_) => return,",
        breaks: "the next in line sleeps for ever",
    },
    Mutant {
        name: "fair-frees-with-one-in-line",
        file: FAIR,
        text: "if present(state) == 1 { FREE }",
        replacement: "if present(state) <= 2 { FREE }",
        breaks: "the last in line waits for a turn that never comes",
    },
    Mutant {
        name: "fair-bit-not-cleared",
        file: FAIR,
        text: "| turn << TURN_SHIFT) & !parked_bit(turn)",
        replacement: "| turn << TURN_SHIFT)",
        breaks: "a stale bit makes every later release wake for nothing",
    },
    Mutant {
        name: "phased-reader-release-relaxed",
        file: PHASED,
        text: "self.state.fetch_sub(ACTIVE_ONE, Ordering::Release)",
        replacement: "self.state.fetch_sub(ACTIVE_ONE, Ordering::Relaxed)",
        breaks: "a writer may write while a reader still reads",
    },
    Mutant {
        name: "phased-reader-acquire-relaxed",
        file: PHASED,
        text: "            state + ACTIVE_ONE,\n            Ordering::Acquire,",
        replacement: "            state + ACTIVE_ONE,\n            Ordering::Relaxed,",
        breaks: "a reader may not see what the writer before wrote",
    },
    Mutant {
        name: "phased-writer-release-relaxed",
        file: PHASED,
        text: "compare_exchange_weak(state, left, Ordering::Release,",
        replacement: "compare_exchange_weak(state, left, Ordering::Relaxed,",
        breaks: "who was let in may not see what the writer wrote",
    },
    Mutant {
        name: "phased-phase-relaxed",
        file: PHASED,
        text: "let state = self.state.load(Ordering::Acquire);
            if state & PHASE != phase {",
        replacement: "let state = self.state.load(Ordering::Relaxed);
            if state & PHASE != phase {",
        breaks: "a reader that waited may not see what the writer wrote",
    },
    Mutant {
        name: "phased-last-reader-wakes-nobody",
        file: PHASED,
        text: "            self.leave_shared_slow(before);\n",
        replacement: "            let _ = Self::leave_shared_slow;\n",
        breaks: "the writer that waits for the last reader sleeps for ever",
    },
    Mutant {
        name: "phased-readers-not-woken",
        file: PHASED,
        text: "LetIn::Readers if state & READERS_PARKED != 0 => {",
        replacement: "LetIn::Readers if state & READERS_PARKED != 0 && state == 0 => {",
        breaks: "readers that were let in sleep for ever",
    },
    Mutant {
        name: "phased-phase-stands",
        file: PHASED,
        text: "((state & !BLOCKED) | readers) & !READERS_PARKED ^ PHASE",
        replacement: "((state & !BLOCKED) | readers) & !READERS_PARKED",
        breaks: "blocked readers do not see that they were let in",
    },
    Mutant {
        name: "phased-reader-passes-a-writer",
        file: PHASED,
        text: "state & (WRITERS | ACTIVE_FULL) == 0",
        replacement: "state & (TICKET | ACTIVE_FULL) == 0",
        breaks: "a reader comes in while the first writer holds the lock",
    },
    Mutant {
        name: "phased-writer-passes-readers",
        file: PHASED,
        text: "turn(state) == ticket && state & ACTIVE == 0",
        replacement: "turn(state) == ticket",
        breaks: "a writer comes in while readers are in",
    },
    Mutant {
        name: "read-last-reader-wakes-nobody",
        file: READ,
        text: "== READER_ONE | WRITERS_PARKED {\n            self.wake_writer();",
        replacement: "== READER_ONE | WRITERS_PARKED {\n",
        breaks: "the writer that waits for the last reader sleeps for ever",
    },
    Mutant {
        name: "read-forgets-the-other-writers",
        file: READ,
        text: "state | WRITER | others",
        replacement: "state | WRITER | others & 0",
        breaks: "a woken writer takes the lock as if no other were parked",
    },
    Mutant {
        name: "read-writer-release-relaxed",
        file: READ,
        text: "fetch_and(!(WRITER | READERS_PARKED), Ordering::Release)",
        replacement: "fetch_and(!(WRITER | READERS_PARKED), Ordering::Relaxed)",
        breaks: "the next holder may not see what the writer wrote",
    },
    Mutant {
        name: "reentrant-owner-stays",
        file: REENTRANT,
        text: "            self.owner.store(NOBODY, Ordering::Relaxed);\n",
        replacement: "",
        breaks: "a thread that left takes itself for the holder",
    },
    Mutant {
        name: "reentrant-owner-cleared-late",
        file: REENTRANT,
        text: "            self.owner.store(NOBODY, Ordering::Relaxed);
            // SAFETY: this thread holds `raw`; the guard is that of its acquisition.
            unsafe { self.raw.unlock(guard) }",
        replacement: "            // SAFETY: planted.
            unsafe { self.raw.unlock(guard) }
            self.owner.store(NOBODY, Ordering::Relaxed);",
        breaks: "the mark of the next holder is wiped out, and it waits for itself",
    },
    Mutant {
        name: "reentrant-leaves-at-depth-one",
        file: REENTRANT,
        text: "(held.depth == 0).then",
        replacement: "(held.depth == 1).then",
        breaks: "the lock is released while a guard lives",
    },
    Mutant {
        name: "optimistic-word-relaxed",
        file: OPTIMISTIC,
        text: "word.store(value, Ordering::Release);",
        replacement: "word.store(value, Ordering::Relaxed);",
        breaks: "a reader sees a new word and not the odd stamp: a torn read",
    },
    Mutant {
        name: "optimistic-read-relaxed",
        file: OPTIMISTIC,
        text: "self.words[index].load(Ordering::Acquire)",
        replacement: "self.words[index].load(Ordering::Relaxed)",
        breaks: "the second look at the stamp may be older than the words: a torn read",
    },
    Mutant {
        name: "optimistic-not-odd",
        file: OPTIMISTIC,
        text: "        self.stamp.store(*stamp + 1, Ordering::Relaxed);\n",
        replacement: "",
        breaks: "a reader accepts words of an unfinished write",
    },
    Mutant {
        name: "optimistic-unvalidated",
        file: OPTIMISTIC,
        text: "self.stamp.load(Ordering::Relaxed) == stamp.0",
        replacement: "self.stamp.load(Ordering::Relaxed) >= stamp.0",
        breaks: "a reader accepts words that changed while it read",
    },
];
