//! Bugs in the scheduler, its workers and its watcher.

use super::Mutant;

const SCHEDULER: &str = "src/sched/scheduler.rs";
const WORKER: &str = "src/sched/worker.rs";
const WATCHER: &str = "src/sched/watcher.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "enqueue-wakes-before-the-push",
        file: SCHEDULER,
        text: "        self.queue.push(cell);\n        self.sleepers.notify_one();",
        replacement: "        self.sleepers.notify_one();\n        self.queue.push(cell);",
        breaks: "the woken worker finds nothing, and the push wakes nobody",
    },
    Mutant {
        name: "enqueue-wakes-nobody",
        file: SCHEDULER,
        text: "        self.queue.push(cell);\n        self.sleepers.notify_one();",
        replacement: "        self.queue.push(cell);",
        breaks: "a mailbox waits while all workers sleep",
    },
    Mutant {
        name: "ready-drops-the-earlier",
        file: SCHEDULER,
        text: "Some(earlier) => self.enqueue_or_hold(earlier),",
        replacement: "Some(earlier) => drop(earlier),",
        breaks: "the mailbox that was in the next slot is lost",
    },
    Mutant {
        name: "stop-wakes-nobody",
        file: SCHEDULER,
        text: "        self.sleepers.notify_all();\n",
        replacement: "",
        breaks: "sleeping workers never hear of the end",
    },
    Mutant {
        name: "stop-wakes-before-the-flag",
        file: SCHEDULER,
        text: "        self.stopping.store(true, Ordering::SeqCst);
        self.sleepers.notify_all();",
        replacement: "        self.sleepers.notify_all();
        self.stopping.store(true, Ordering::SeqCst);",
        breaks: "a worker that was woken too early sleeps again for ever",
    },
    Mutant {
        name: "finish-forgets-what-waits",
        file: SCHEDULER,
        text: "batch.into_iter().chain(cell.mailbox.drain())",
        replacement: "batch",
        breaks: "requests that wait in the mailbox of a retired service get no error",
    },
    Mutant {
        name: "retire-leaves-an-idle-service",
        file: SCHEDULER,
        text: "        if cell.mailbox.close() == Closed::ByCaller {
            self.finish(&cell);
        }",
        replacement: "        cell.mailbox.close();",
        breaks: "a service that is retired while it is idle never ends",
    },
    Mutant {
        name: "retire-finishes-a-running-service",
        file: SCHEDULER,
        text: "cell.mailbox.close() == Closed::ByCaller",
        replacement: "matches!(cell.mailbox.close(), Closed::ByCaller | Closed::ByOwner)",
        breaks: "a service that runs is ended by two threads",
    },
    Mutant {
        name: "leaving-is-set-too-late",
        file: SCHEDULER,
        text: "        cell.set_leaving();
        self.retire_if_idle(&cell);",
        replacement: "        self.retire_if_idle(&cell);
        cell.set_leaving();",
        breaks: "the owner gives the mailbox up before it can see the flag",
    },
    Mutant {
        name: "idle-does-not-look-at-the-queue",
        file: WORKER,
        text: "        !self.queue.is_empty() || self.is_stopping()",
        replacement: "        self.is_stopping()",
        breaks: "a push just before the sleep is not seen",
    },
    Mutant {
        name: "idle-does-not-look-at-the-end",
        file: WORKER,
        text: "        !self.queue.is_empty() || self.is_stopping()",
        replacement: "        !self.queue.is_empty()",
        breaks: "a worker that goes to sleep during the stop is never woken",
    },
    Mutant {
        name: "turn-drops-what-is-left",
        file: WORKER,
        text: "                    return self.scheduler.enqueue(cell);",
        replacement: "                    return drop(cell);",
        breaks: "a mailbox with messages left is in no queue",
    },
    Mutant {
        name: "turn-puts-it-back-too-often",
        file: WORKER,
        text: "                Taken::Nothing => {\n                    drop(body);",
        replacement: "                Taken::Nothing => {
                    drop(body);
                    self.scheduler.enqueue(Arc::clone(&cell));",
        breaks: "a mailbox that nobody owns is in the run queue: two workers meet in it",
    },
    Mutant {
        name: "turn-does-not-look-at-leaving",
        file: WORKER,
        text: "                    if cell.is_leaving() {",
        replacement: "                    if cell.is_leaving() && cell.is_retired() {",
        breaks: "a service that should end when idle never ends",
    },
    Mutant {
        name: "turn-ends-what-got-a-message",
        file: WORKER,
        text: "self.scheduler.retire_if_idle(&cell);",
        replacement: "self.scheduler.retire(cell.address());",
        breaks: "a message that came before the service was told to leave bounces",
    },
    Mutant {
        name: "removed-before-it-is-retired",
        file: "src/service/registry.rs",
        text: "        cell.set_retired();\n",
        replacement: "",
        breaks: "a service that retires itself handles another message",
    },
    Mutant {
        name: "searcher-never-stops",
        file: WORKER,
        text: "        if std::mem::take(&mut self.searching)\n",
        replacement: "        if self.searching && self.index > 99\n",
        breaks: "a worker counts as searching while it runs, so nobody is woken",
    },
    Mutant {
        name: "watcher-drops-what-it-takes",
        file: WATCHER,
        text: "                self.scheduler.enqueue(cell);\n",
        replacement: "                drop(cell);\n",
        breaks: "a mailbox that the watcher takes out of a slot is lost",
    },
    Mutant {
        name: "watcher-takes-and-leaves",
        file: WATCHER,
        text: "                && let Some(cell) = worker.next.take()
            {
                self.scheduler.enqueue(cell);",
        replacement: "                && let Some(cell) = worker.next.take()
            {
                worker.next.put(std::sync::Arc::clone(&cell));
                self.scheduler.enqueue(cell);",
        breaks: "a mailbox is in a slot and in the run queue",
    },
];
