//! A scheduler that does what bytes say.
//!
//! A byte is one switch: its low five bits say how many steps the thread runs on before it, the
//! high three which of the others runs then. So a few bytes reach far into an execution, and a
//! changed byte changes one switch. A thread that blocks or yields is switched away at once. After
//! the last byte the threads take turns where they block or yield.

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

const STEPS_MASK: u8 = 0b1_1111;
const CHOICE_SHIFT: u32 = 5;

/// The schedule that is in a string of bytes.
pub(super) struct Bytes {
    bytes: std::vec::IntoIter<u8>,
    /// The steps until the next switch and who runs then; none behind the last byte.
    next: Option<(u8, u8)>,
    is_fresh: bool,
}

impl Bytes {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut schedule = Self { bytes: bytes.to_vec().into_iter(), next: None, is_fresh: true };
        schedule.advance();
        schedule
    }

    fn advance(&mut self) {
        self.next = self.bytes.next().map(|byte| (byte & STEPS_MASK, byte >> CHOICE_SHIFT));
    }

    /// Whether the current thread runs on; counts the step if so.
    fn runs_on(&mut self) -> bool {
        match &mut self.next {
            None => true,
            Some((0, _)) => false,
            Some((steps, _)) => {
                *steps -= 1;
                true
            }
        }
    }

    /// Which of so many others runs next, counted from the one behind the current thread.
    fn choose(&mut self, others: usize) -> usize {
        let choice = self.next.map_or(0, |(_, choice)| usize::from(choice) % others);
        self.advance();
        choice
    }
}

impl Scheduler for Bytes {
    fn new_execution(&mut self) -> Option<Schedule> {
        std::mem::take(&mut self.is_fresh).then(|| Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        let place = runnable.iter().position(|task| Some(task.id()) == current);
        if let Some(place) = place
            && !is_yielding
            && self.runs_on()
        {
            return Some(runnable[place].id());
        }
        let others: Vec<TaskId> = match place {
            Some(place) if runnable.len() > 1 => {
                let (before, behind) = runnable.split_at(place);
                behind[1..].iter().chain(before).map(|task| task.id()).collect()
            }
            _ => {
                let is_behind = |task: &&&Task| Some(task.id()) > current;
                let behind = runnable.iter().filter(is_behind);
                let before = runnable.iter().filter(|task| !is_behind(task));
                behind.chain(before).map(|task| task.id()).collect()
            }
        };
        Some(others[self.choose(others.len())])
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}
