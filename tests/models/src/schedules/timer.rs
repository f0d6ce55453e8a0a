//! Services that set timeouts while the timer thread fires: each comes once, and none too early.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as SystemMutex};

use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;

use super::{Script, play, together};
use crate::message::{Address, Deliver, Message, Session};
use crate::sync::Selected;
use crate::timer::{Clock, Timer};

/// Takes what the timer fires.
struct Place {
    timer: Timer<Selected>,
    /// When each session is due at the earliest; of the system, as the counter.
    due: SystemMutex<Vec<u64>>,
    fired: AtomicUsize,
    left: Mutex<usize>,
    all_fired: Condvar,
    last: AtomicU64,
}

/// Plays an input.
pub fn timer(bytes: &[u8]) {
    play(bytes, body);
}

fn body(script: Script) {
    let counts = [script[0], script[1]].map(|count| usize::from(count % 4));
    let place = Arc::new(Place {
        timer: Timer::new(Clock::start()),
        due: SystemMutex::default(),
        fired: AtomicUsize::new(0),
        left: Mutex::new(counts.iter().sum()),
        all_fired: Condvar::new(),
        last: AtomicU64::new(0),
    });
    let firing = thread::spawn({
        let place = Arc::clone(&place);
        move || place.timer.run(&*place)
    });
    let bodies = counts.into_iter().enumerate().map(|(thread, count)| {
        let place = Arc::clone(&place);
        let ticks = move |index: usize| u32::from(script[2 + 4 * thread + index] % 40) + 1;
        Box::new(move || (0..count).for_each(|index| place.add(ticks(index)))) as _
    });
    together(bodies.collect());
    let mut left = place.left.lock().expect("no thread panics with it");
    while *left > 0 {
        left = place.all_fired.wait(left).expect("no thread panics with it");
    }
    drop(left);
    place.timer.stop();
    firing.join().expect("a failed thread has failed the execution");
    assert_eq!(place.fired.load(Ordering::Relaxed), counts.iter().sum::<usize>());
}

impl Place {
    fn add(&self, ticks: u32) {
        let session = {
            let mut due = self.due.lock().expect("no thread panics with it");
            // The present tick counts as begun.
            due.push(self.timer.clock().now() + u64::from(ticks));
            due.len()
        };
        self.timer.add(Address::new(1), Session::new(session as i32), ticks);
    }
}

impl Deliver for Place {
    fn deliver(&self, _to: Address, message: Message) -> Result<(), Message> {
        let session = message.session.number() as usize;
        let due = {
            let mut due = self.due.lock().expect("no thread panics with it");
            std::mem::replace(&mut due[session - 1], u64::MAX)
        };
        let now = self.timer.clock().now();
        assert!(due != u64::MAX, "timeout {session} came twice");
        assert!(due <= now, "timeout {session} came at {now}, not at {due}");
        assert!(self.last.swap(due, Ordering::Relaxed) <= now, "the clock went back");
        self.fired.fetch_add(1, Ordering::Relaxed);
        *self.left.lock().expect("no thread panics with it") -= 1;
        self.all_fired.notify_all();
        Ok(())
    }
}
