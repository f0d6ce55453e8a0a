//! A lock of one's own under the real scheduler: the raw lock, its name, and one line that makes a
//! strategy of it.
//!
//! Run it with `cargo run --example own_lock`.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use ironsky::message::{Address, Kind, Message, Session};
use ironsky::sched::{Endless, Reports, Scheduler, Settings};
use ironsky::service::Service;
use ironsky::sync::lock::RawRwFair;
use ironsky::sync::{Bundle, FutexParker, LockFree, Named, Strategy};
use lock_api::GuardNoSend;

// From here ...
struct Yielding(AtomicBool);

static TAKEN: AtomicU64 = AtomicU64::new(0);

// SAFETY: only who changes false to true holds the lock, and only the holder stores false.
unsafe impl lock_api::RawMutex for Yielding {
    const INIT: Self = Self(AtomicBool::new(false));
    type Guard = GuardNoSend;

    fn lock(&self) -> GuardNoSend {
        loop {
            match self.try_lock() {
                Some(guard) => return guard,
                None => thread::yield_now(),
            }
        }
    }

    fn try_lock(&self) -> Option<GuardNoSend> {
        // Acquire: pairs with the Release in `unlock`.
        let is_taken = self.0.swap(true, Ordering::Acquire);
        (!is_taken).then(|| {
            TAKEN.fetch_add(1, Ordering::Relaxed);
            GuardNoSend::new()
        })
    }

    unsafe fn unlock(&self, _guard: GuardNoSend) {
        // Release: pairs with the Acquire in `try_lock`.
        self.0.store(false, Ordering::Release);
    }

    fn is_locked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Named for Yielding {
    const NAME: &'static str = "yielding";
}

type Own = Bundle<Yielding, RawRwFair, LockFree, FutexParker>;
// ... to here. Every mailbox below is under the lock.

const ROUNDS: i32 = 1_000;

/// Sends each message back with a number one higher, and tells when it has seen the last.
struct Player {
    own: Address,
    scheduler: std::sync::Weak<Scheduler<Own>>,
    ended: Sender<i32>,
}

impl Service for Player {
    fn dispatch(&mut self, message: Message) {
        let number = message.session.number();
        let Some(scheduler) = self.scheduler.upgrade() else { return };
        if number == ROUNDS {
            // Nobody listens any more when the program ends.
            let _ = self.ended.send(number);
            return;
        }
        let back = Message::empty(self.own, Session::new(number + 1), Kind::TEXT);
        // The other player lives as long as the scheduler.
        let _ = scheduler.post(message.source, back);
    }
}

struct Silent;

impl Reports for Silent {
    fn overload(&self, _service: Address, _length: usize) {}
    fn endless(&self, _message: &Endless) {}
    fn panicked(&self, _service: Address, _what: &str) {}
    fn ended(&self, _left: usize) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let settings =
        Settings { harbor: 0, workers: 2, profile: false, message_limit: Duration::ZERO };
    let scheduler = Arc::new(Scheduler::<Own>::new(settings, Box::new(Silent)));
    let (ended, end) = channel();
    let mut players = Vec::new();
    for _ in 0..2 {
        let cell = scheduler.register()?;
        let (own, scheduler_of_player) = (cell.address(), Arc::downgrade(&scheduler));
        let player = Player { own, scheduler: scheduler_of_player, ended: ended.clone() };
        scheduler.start(&cell, Box::new(player));
        players.push(own);
    }
    let workers: Vec<_> = (0..2)
        .map(|index| {
            let scheduler = Arc::clone(&scheduler);
            thread::spawn(move || scheduler.run_worker(index, None))
        })
        .collect();

    let serve = Message::empty(players[0], Session::new(1), Kind::TEXT);
    scheduler.post(players[1], serve).map_err(|_| "nobody plays")?;
    let passed = end.recv()?;
    scheduler.stop();
    workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| "a worker panicked"))?;
    scheduler.clear();

    println!("strategy {}", Own::NAME);
    let is_used = TAKEN.load(Ordering::Relaxed) > passed.unsigned_abs().into();
    println!("{passed} messages passed, the lock was taken more often: {is_used}");
    Ok(())
}
