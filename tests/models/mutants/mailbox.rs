//! Bugs in the mailbox, the registry and the timer.

use super::Mutant;

const MAILBOX: &str = "src/service/mailbox.rs";
const REGISTRY: &str = "src/service/registry.rs";
const TIMER: &str = "src/timer/thread.rs";
const WHEEL: &str = "src/timer/wheel.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "mailbox-keeps-the-token",
        file: MAILBOX,
        text: "            inbox.owned = false;\n            return Taken::Nothing;",
        replacement: "            return Taken::Nothing;",
        breaks: "nobody owns the mailbox and nobody will: what is pushed later is lost",
    },
    Mutant {
        name: "mailbox-gives-the-token-up-early",
        file: MAILBOX,
        text: "        std::mem::swap(&mut inbox.waiting, batch);\n",
        replacement: "        inbox.owned = false;
        std::mem::swap(&mut inbox.waiting, batch);
",
        breaks: "a push during a turn makes a second worker run the service",
    },
    Mutant {
        name: "mailbox-push-takes-no-token",
        file: MAILBOX,
        text: "Ok(if std::mem::replace(&mut inbox.owned, true) {",
        replacement: "Ok(if inbox.owned {",
        breaks: "two pushes both make the mailbox ready",
    },
    Mutant {
        name: "mailbox-push-after-the-close",
        file: MAILBOX,
        text: "        inbox.waiting.push_back(message);\n",
        replacement: "        drop(inbox);
        let mut inbox = self.inbox.lock();
        inbox.waiting.push_back(message);\n",
        breaks: "a message gets in between the look at `closed` and the push",
    },
    Mutant {
        name: "mailbox-closer-leaves-it",
        file: MAILBOX,
        text: "{ Closed::ByOwner } else { Closed::ByCaller }",
        replacement: "{ Closed::ByOwner } else { Closed::ByOwner }",
        breaks: "nobody finishes an idle mailbox that was closed",
    },
    Mutant {
        name: "mailbox-take-looks-before-it-locks",
        file: MAILBOX,
        text: "        let mut inbox = self.inbox.lock();
        debug_assert!(inbox.owned, \"only the owner takes\");",
        replacement: "        let is_empty = self.is_empty();
        let mut inbox = self.inbox.lock();
        if is_empty && !inbox.closed {
            inbox.owned = false;
            return Taken::Nothing;
        }",
        breaks: "a push between the look and the lock has no owner",
    },
    Mutant {
        name: "registry-finds-a-stranger",
        file: REGISTRY,
        text: "(slot.address() == address).then(|| look(slot))",
        replacement: "Some(look(slot))",
        breaks: "a message to a service that ended reaches another",
    },
    Mutant {
        name: "registry-removes-in-two-steps",
        file: REGISTRY,
        text: "        let mut table = self.table.write();
        let slot = table.slot_of(address.index());",
        replacement: "        self.find(address)?;
        let mut table = self.table.write();
        let slot = table.slot_of(address.index());
        assert!(table.slots[slot].is_some(), \"it was there\");",
        breaks: "two that retire the same service both believe it was there",
    },
    Mutant {
        name: "timer-earlier-timeout-wakes-nobody",
        file: TIMER,
        text: "            state.wake_at = due;
            drop(state);
            self.parker.unpark();",
        replacement: "            state.wake_at = due;\n            drop(state);",
        breaks: "the timer thread sleeps through the timeout",
    },
    Mutant {
        name: "timer-sleeps-as-if-awake",
        file: TIMER,
        text: "            true => state.wheel.next_expiry().unwrap_or(Centis::MAX),
            false => 0,
        };
        state.wake_at",
        replacement: "            true => 0,
            false => 0,
        };
        if due.is_empty() { state.wheel.next_expiry().unwrap_or(Centis::MAX) } else { 0 }",
        breaks: "who adds a timeout believes the timer thread awake",
    },
    Mutant {
        name: "timer-stop-wakes-nobody",
        file: TIMER,
        text: "        self.stopping.store(true, Ordering::SeqCst);\n        self.parker.unpark();",
        replacement: "        self.stopping.store(true, Ordering::SeqCst);",
        breaks: "the timer thread outlives the node",
    },
    Mutant {
        name: "wheel-one-tick-late",
        file: WHEEL,
        text: "filter(|&tick| tick <= to_tick)",
        replacement: "filter(|&tick| tick < to_tick)",
        breaks: "a timeout that is due stays in the wheel",
    },
];
