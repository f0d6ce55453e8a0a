//! Bugs in the lock whose readers have slots.

use super::Mutant;

const SLOTS: &str = "src/sync/lock/rw_slots.rs";
const SLOT: &str = "src/sync/lock/rw_slots/slot.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "slots-enter-relaxed",
        file: SLOT,
        text: "compare_exchange(FREE, tenant.0, Ordering::Acquire,",
        replacement: "compare_exchange(FREE, tenant.0, Ordering::Relaxed,",
        breaks: "a reader that enters behind the question does not see the door closed",
    },
    Mutant {
        name: "slots-leave-relaxed",
        file: SLOT,
        text: "self.word.swap(FREE, Ordering::Release)",
        replacement: "self.word.swap(FREE, Ordering::Relaxed)",
        breaks: "a writer may write while a reader still reads",
    },
    Mutant {
        name: "slots-leave-wakes-nobody",
        file: SLOT,
        text: "            self.wake();\n",
        replacement: "            let _ = Self::wake;\n",
        breaks: "the writer that waits for a slot sleeps for ever",
    },
    Mutant {
        name: "slots-ask-publishes-nothing",
        file: SLOT,
        text: "self.word.fetch_or(0, Ordering::AcqRel)",
        replacement: "self.word.fetch_or(0, Ordering::Acquire)",
        breaks: "a reader that enters behind the question does not see the door closed",
    },
    Mutant {
        name: "slots-ask-by-a-load",
        file: SLOT,
        text: "self.word.fetch_or(0, Ordering::AcqRel)",
        replacement: "self.word.load(Ordering::Acquire)",
        breaks: "writer and reader may both miss each other",
    },
    Mutant {
        name: "slots-no-second-look",
        file: SLOTS,
        text: "        if !self.is_open() {\n            slot.leave();",
        replacement: "        if false {\n            slot.leave();",
        breaks: "a reader that entered too late stays in beside the writer",
    },
    Mutant {
        name: "slots-writer-does-not-wait",
        file: SLOTS,
        text: "            slot.wait_until_left_by(self.tenant());\n",
        replacement: "            slot.ask(self.tenant());\n",
        breaks: "a writer comes in beside the readers in slots",
    },
    Mutant {
        name: "slots-open-relaxed",
        file: SLOTS,
        text: "self.door.load(Ordering::Acquire) == OPEN",
        replacement: "self.door.load(Ordering::Relaxed) == OPEN",
        breaks: "a reader in a slot may not see what the last writer wrote",
    },
];
