//! The whole scheduler under shuttle: workers, watcher and timer thread as they run in a node, with
//! services that ask, answer, sleep, launch, retire and panic.
//!
//! A seed draws the plan of one execution and its schedule, so it replays: `cargo run --bin whole
//! -- --seed N`. What must hold:
//! 1. Nothing is lost and nothing comes twice: each message is handled once, or bounced, or was
//!    given back; each timeout comes once.
//! 2. One sender is heard in the order in which it sent.
//! 3. A service is in one thread at a time, and is dropped once.
//! 4. Every request has one end: an answer, an error, or the message back.
//! 5. A service that keeps its worker keeps nothing else from the other workers.
//! 6. What comes in from outside is carried out, by one thread at a time.
//! 7. The services end, and the threads do. A wake-up that is lost shows as a deadlock.

mod ledger;
mod plan;
mod services;
mod tide;

use std::sync::Arc;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner, thread};

use crate::message::{Address, Kind, Message, Payload, Session};
use crate::sched::Outside;
use crate::timer::Clock;
use ledger::Ledger;
use plan::{Kill, Plan};
use services::{Node, Reporter, Role};
use tide::Tide;

/// Changes of priority in a PCT schedule.
const DEPTH: usize = 3;

/// Runs the plan and the schedule of a seed.
///
/// # Panics
/// When the scheduler breaks one of its promises.
pub fn run(seed: u64) {
    // Every second seed searches with priorities, which find what needs a long delay; the others
    // switch at random.
    if seed.is_multiple_of(2) {
        play(seed, PctScheduler::new_from_seed(seed, DEPTH, 1));
    } else {
        play(seed, RandomScheduler::new_from_seed(seed, 1));
    }
}

/// Runs the plan of a seed in the schedules of a scheduler.
pub fn play(seed: u64, scheduler: impl Scheduler + 'static) {
    let mut config = Config::new();
    config.stack_size = 0x2_0000;
    config.silence_warnings = true;
    let plan = Arc::new(Plan::draw(seed));
    Runner::new(scheduler, config).run(move || execute(&plan));
}

fn execute(plan: &Arc<Plan>) {
    let ledger = Arc::new(Ledger::new());
    let node = Arc::new(Node::new(plan.workers, Reporter::new(Arc::clone(&ledger))));
    let tide = plan.tide.map(|_| Tide::new(&node, &ledger));
    let threads = threads_of(&node, plan.workers, tide.as_ref());
    let servers: Vec<Address> =
        plan.servers.iter().map(|server| node.launch(&ledger, Role::server(server))).collect();
    let clients: Vec<Address> = plan
        .clients
        .iter()
        .map(|client| node.launch(&ledger, Role::client(client, &servers)))
        .collect();
    for client in &clients {
        let go = Message::empty(Address::NOBODY, Session::NONE, Kind::TEXT);
        assert!(node.scheduler.post(*client, go).is_ok(), "a service that has not run is there");
    }
    let killer = thread::spawn({
        let (node, ledger, plan) = (Arc::clone(&node), Arc::clone(&ledger), Arc::clone(plan));
        let servers = servers.clone();
        move || plan.kills.iter().for_each(|kill| kill_one(&node, &ledger, kill, &servers))
    });
    let outsider = thread::spawn({
        let (node, ledger, tells) = (Arc::clone(&node), Arc::clone(&ledger), plan.outside);
        let servers = servers.clone();
        move || tell_from_outside(&node, &ledger, &servers, tells)
    });
    if let (Some(tide), Some(tells)) = (&tide, plan.tide) {
        (0..tells).for_each(|index| tide.come_in(servers[index % servers.len()]));
    }

    ledger.wait_for_clients(clients.len());
    killer.join().expect("a failed thread has failed the execution");
    outsider.join().expect("a failed thread has failed the execution");
    if let Some(tide) = &tide {
        tide.wait_until_low();
    }
    // Nobody sends any more: what waits is handled before the servers end.
    for address in node.scheduler.registry.addresses() {
        node.scheduler.retire_when_idle(address);
    }
    ledger.wait_for_all();
    assert_eq!(node.scheduler.unfinished(), 0);
    if let Some(tide) = &tide {
        tide.stop();
    }
    node.scheduler.stop();
    node.timer.stop();
    for thread in threads {
        thread.join().expect("a failed thread has failed the execution");
    }
    node.scheduler.clear();
    ledger.close();
}

fn threads_of(
    node: &Arc<Node>,
    workers: usize,
    tide: Option<&Arc<Tide>>,
) -> Vec<thread::JoinHandle<()>> {
    let mut threads = Vec::new();
    for index in 0..workers {
        let (node, tide) = (Arc::clone(node), tide.cloned());
        let work = move || {
            let outside = tide.as_deref().map(|tide| tide as &dyn Outside);
            node.scheduler.run_worker(index, outside);
        };
        threads.push(thread::spawn(work));
    }
    threads.extend(tide.cloned().map(|tide| thread::spawn(move || tide.stand_in())));
    let watched = Arc::clone(node);
    threads.push(thread::spawn(move || watched.scheduler.run_watcher()));
    let timed = Arc::clone(node);
    threads.push(thread::spawn(move || timed.timer.run(&*timed.scheduler)));
    threads
}

fn kill_one(node: &Node, ledger: &Ledger, kill: &Kill, servers: &[Address]) {
    let server = servers[kill.server % servers.len()];
    ledger.cut_off(server);
    if kill.when_idle {
        node.scheduler.retire_when_idle(server);
    } else {
        node.scheduler.retire(server);
    }
}

fn tell_from_outside(node: &Node, ledger: &Ledger, servers: &[Address], tells: usize) {
    for index in 0..tells {
        let to = servers[index % servers.len()];
        let from = Address::NOBODY;
        tell(node, ledger, from, to, ledger.sent(from, to));
    }
}

/// Posts the entry `id` of the books.
fn tell(node: &Node, ledger: &Ledger, source: Address, to: Address, id: u64) {
    let payload = Payload::copy_of(&id.to_le_bytes());
    let message = Message { source, session: Session::NONE, kind: Kind::SNAX, payload };
    if node.scheduler.post(to, message).is_err() {
        ledger.given_back(id);
    }
}

/// The clock that timeouts follow.
fn clock() -> Clock {
    Clock::start()
}

#[cfg(test)]
mod tests {
    /// From `IRONSKY_SEEDS`, as `FIRST..END`.
    fn seeds() -> std::ops::Range<u64> {
        let Ok(text) = std::env::var("IRONSKY_SEEDS") else { return 0..1_000 };
        let (first, end) = text.split_once("..").expect("IRONSKY_SEEDS is FIRST..END");
        first.parse().expect("a number")..end.parse().expect("a number")
    }

    #[test]
    fn the_scheduler_keeps_its_promises_in_every_schedule_drawn() {
        for seed in seeds() {
            println!("seed {seed}");
            super::run(seed);
        }
    }
}
