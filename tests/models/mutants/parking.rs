//! Bugs in the parkers, the sleepers, the next slot and the run queue.

use super::Mutant;

const PARKER: &str = "src/sync/parker.rs";
const SLEEPERS: &str = "src/sync/sleepers.rs";
const LOOKOUT: &str = "src/sync/lookout.rs";
const SLOT: &str = "src/sync/next_slot.rs";
const QUEUE: &str = "src/sync/queue.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "parker-unpark-relaxed",
        file: PARKER,
        text: "self.state.swap(NOTIFIED, Ordering::Release)",
        replacement: "self.state.swap(NOTIFIED, Ordering::Relaxed)",
        breaks: "the woken thread may not see what the waker did",
    },
    Mutant {
        name: "parker-token-relaxed",
        file: PARKER,
        text: "            self.state.swap(EMPTY, Ordering::Acquire);\n        }",
        replacement: "            self.state.swap(EMPTY, Ordering::Relaxed);\n        }",
        breaks: "who finds a token may not see what the waker did",
    },
    Mutant {
        name: "parker-wakes-before-the-token",
        file: PARKER,
        text: "        if self.state.swap(NOTIFIED, Ordering::Release) == PARKED {
            futex::wake(&self.state, 1, futex::ANYBODY);
        }",
        replacement: "        if self.state.load(Ordering::Relaxed) == PARKED {
            futex::wake(&self.state, 1, futex::ANYBODY);
        }
        self.state.swap(NOTIFIED, Ordering::Release);",
        breaks: "the owner is woken, finds no token and sleeps for ever",
    },
    Mutant {
        name: "parker-missing-wake",
        file: PARKER,
        text: "            futex::wake(&self.state, 1, futex::ANYBODY);\n",
        replacement: "",
        breaks: "the owner sleeps for ever",
    },
    Mutant {
        name: "parker-overwrites-the-token",
        file: PARKER,
        text: ".compare_exchange(EMPTY, PARKED, Ordering::Relaxed, Ordering::Relaxed);",
        replacement: ".swap(PARKED, Ordering::Relaxed);
        let announced = Ok::<u32, u32>(announced);",
        breaks: "a token that was left before the sleep is lost",
    },
    Mutant {
        name: "condvar-parker-token-late",
        file: PARKER,
        text: "        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.given.notify_one();",
        replacement: "        self.given.notify_one();
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = true;",
        breaks: "the owner is woken before the token is there",
    },
    Mutant {
        name: "sleepers-notify-without-fence",
        file: SLEEPERS,
        text: "        fence(Ordering::SeqCst);\n        wanted(self.look())",
        replacement: "        wanted(self.look())",
        breaks: "producer and sleeper may both miss each other",
    },
    Mutant {
        name: "sleepers-sleep-without-fence",
        file: SLEEPERS,
        text: "        fence(Ordering::SeqCst);
        if has_work() {
            return self.wake_up(index, SEARCHING_ONE, Woken::Work);
        }
        let parker",
        replacement: "        if has_work() {
            return self.wake_up(index, SEARCHING_ONE, Woken::Work);
        }
        let parker",
        breaks: "producer and sleeper may both miss each other",
    },
    Mutant {
        name: "sleepers-no-second-look",
        file: SLEEPERS,
        text: "        if has_work() {
            return self.wake_up(index, SEARCHING_ONE, Woken::Work);
        }
        let parker",
        replacement: "        let _ = &mut has_work;
        let parker",
        breaks: "a push between the look and the registration is not seen",
    },
    Mutant {
        name: "sleepers-registers-late",
        file: SLEEPERS,
        text: "        self.register(searching, |asleep| {
            debug_assert!(!asleep.stack.contains(&index), \"worker {index} sleeps already\");
            asleep.stack.push(index);
        });
        // SeqCst: W2 of the argument; its partner is the fence in `notify_one`.
        fence(Ordering::SeqCst);
        if has_work() {",
        replacement: "        fence(Ordering::SeqCst);
        let has_work = has_work();
        self.register(searching, |asleep| asleep.stack.push(index));
        if has_work {",
        breaks: "a push between the look and the registration is not seen",
    },
    Mutant {
        name: "sleepers-leaves-a-token",
        file: SLEEPERS,
        text: "            self.parkers[index].park();\n            return Woken::Notified;",
        replacement: "            return Woken::Notified;",
        breaks: "a token outlives the sleep and ends the next one",
    },
    Mutant {
        name: "sleepers-chosen-but-not-woken",
        file: SLEEPERS,
        text: "        drop(asleep);\n        self.wake(&chosen);\n        true",
        replacement: "        drop(asleep);\n        let _ = chosen;\n        true",
        breaks: "who was chosen sleeps for ever",
    },
    Mutant {
        name: "sleepers-everybody-but-one",
        file: SLEEPERS,
        text: "        for chosen in &chosen {",
        replacement: "        for chosen in chosen.iter().skip(1) {",
        breaks: "the shutdown leaves one asleep",
    },
    Mutant {
        name: "sleepers-chosen-is-no-searcher",
        file: SLEEPERS,
        text: "fetch_sub(sleepers * (SLEEPING_ONE - SEARCHING_ONE), Ordering::Relaxed);",
        replacement: "fetch_sub(sleepers * SLEEPING_ONE, Ordering::Relaxed);",
        breaks: "the searchers are miscounted: one burst wakes all, then none",
    },
    Mutant {
        name: "sleepers-keeps-searching",
        file: SLEEPERS,
        text: "if searching { SEARCHING_ONE } else { 0 }",
        replacement: "if searching { SEARCHING_ONE * 0 } else { 0 }",
        breaks: "a sleeper still counts as searching, so nobody is woken for a push",
    },
    Mutant {
        name: "sleepers-last-searcher-unaware",
        file: SLEEPERS,
        text: "        searching(before) == 1\n",
        replacement: "        searching(before) == 0\n",
        breaks: "the last searcher does not look for what others relied on it to find",
    },
    Mutant {
        name: "sleepers-alarm-not-rung",
        file: SLEEPERS,
        text: "            alarm();\n",
        replacement: "            let _ = alarm;\n",
        breaks: "the worker that waits elsewhere is chosen and never hears of it",
    },
    Mutant {
        name: "sleepers-lookout-is-chosen-twice",
        file: SLEEPERS,
        text: "self.lookout.take().map(|index| Chosen",
        replacement: "self.lookout.map(|index| Chosen",
        breaks: "the sleepers are miscounted, and a token is left over",
    },
    Mutant {
        name: "sleepers-elsewhere-without-fence",
        file: SLEEPERS,
        text: "        fence(Ordering::SeqCst);
        if has_work() {
            return self.wake_up(index, SEARCHING_ONE, Woken::Work);
        }
        wait();",
        replacement: "        if has_work() {
            return self.wake_up(index, SEARCHING_ONE, Woken::Work);
        }
        wait();",
        breaks: "producer and sleeper may both miss each other",
    },
    Mutant {
        name: "sleepers-elsewhere-without-a-look",
        file: SLEEPERS,
        text: "        if has_work() {
            return self.wake_up(index, SEARCHING_ONE, Woken::Work);
        }
        wait();",
        replacement: "        let _ = &mut has_work;
        wait();",
        breaks: "a push before the registration is not seen",
    },
    Mutant {
        name: "lookout-leaves-the-post-silently",
        file: LOOKOUT,
        text: "            self.parker.unpark();\n        }",
        replacement: "        }",
        breaks: "nobody waits for what comes from outside while all workers are busy",
    },
    Mutant {
        name: "lookout-relaxed",
        file: LOOKOUT,
        text: "self.taken.store(false, Ordering::Release)",
        replacement: "self.taken.store(false, Ordering::Relaxed)",
        breaks: "who takes the post may not see what the one before it did",
    },
    Mutant {
        name: "lookout-leaves-without-fence",
        file: LOOKOUT,
        text: "        fence(Ordering::SeqCst);
        if !self.watched",
        replacement: "        if !self.watched",
        breaks: "who leaves the post and the stand-in may both miss each other",
    },
    Mutant {
        name: "lookout-rests-without-fence",
        file: LOOKOUT,
        text: "        fence(Ordering::SeqCst);
        // Who left",
        replacement: "        // Who left",
        breaks: "who leaves the post and the stand-in may both miss each other",
    },
    Mutant {
        name: "lookout-rests-without-a-second-look",
        file: LOOKOUT,
        text: "        if self.taken.load(Ordering::Relaxed) || self.watched",
        replacement: "        if true || self.watched",
        breaks: "a post that was left before `watched` was cleared stays vacant",
    },
    Mutant {
        name: "lookout-forgets-a-token",
        file: LOOKOUT,
        text: " || self.watched.swap(true, Ordering::Relaxed) {
            self.parker.park();",
        replacement: " {
            self.parker.park();",
        breaks: "the stand-in sees a vacant post and watches it no more",
    },
    Mutant {
        name: "lookout-two-have-the-post",
        file: LOOKOUT,
        text: "self.taken.compare_exchange\
               (false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()",
        replacement: "!self.taken.load(Ordering::Relaxed) && {
            self.taken.store(true, Ordering::Relaxed);
            true
        }",
        breaks: "two threads wait and read at the same time",
    },
    Mutant {
        name: "slot-take-in-two-steps",
        file: SLOT,
        text: "if self.is_some() { self.swap(ptr::null_mut()) } else { None }",
        replacement: "let old = self.value.load(Ordering::SeqCst);
        if old.is_null() {
            return None;
        }
        self.value.swap(ptr::null_mut(), Ordering::SeqCst);
        // SAFETY: planted.
        Some(unsafe { Arc::from_raw(old) })",
        breaks: "worker and watcher both take the mailbox",
    },
    Mutant {
        name: "slot-relaxed",
        file: SLOT,
        text: "self.value.swap(new, Ordering::SeqCst)",
        replacement: "self.value.swap(new, Ordering::Relaxed)",
        breaks: "who takes the value may not see what is in it",
    },
    Mutant {
        name: "slot-keeps-the-earlier",
        file: SLOT,
        text: "        self.swap(Arc::into_raw(value).cast_mut())",
        replacement: "        match self.take() {
            Some(earlier) => {
                self.swap(Arc::into_raw(earlier).cast_mut());
                Some(value)
            }
            None => {
                self.swap(Arc::into_raw(value).cast_mut());
                None
            }
        }",
        breaks: "the later value is pushed out, not the earlier: the order of turns is lost",
    },
    Mutant {
        name: "queue-last-in-first-out",
        file: QUEUE,
        text: "self.items.lock().pop_front()",
        replacement: "self.items.lock().pop_back()",
        breaks: "the run queue is no queue",
    },
    Mutant {
        name: "queue-pop-in-two-steps",
        file: QUEUE,
        text: "        self.items.lock().pop_front()\n",
        replacement: "        if self.is_empty() {
            return None;
        }
        let item = self.items.lock().pop_front();
        assert!(item.is_some(), \"looked at before\");
        item\n",
        breaks: "what was seen may be gone when it is taken",
    },
];
