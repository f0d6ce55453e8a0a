//! The services that the plan is made of, and the node that they live in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;

use super::clock;
use super::ledger::Ledger;
use super::plan::{Client, Server, Step};
use crate::message::{Address, Kind, Message, Payload, Session};
use crate::sched::{Endless, Reports, Scheduler, Settings};
use crate::service::Service;
use crate::sync::Selected;
use crate::timer::Timer;

/// What a planned panic is raised with.
const PLANNED: &str = "planned";

/// What the services reach.
pub(super) struct Node {
    pub(super) scheduler: Arc<Scheduler<Selected>>,
    pub(super) timer: Timer<Selected>,
}

/// Turns what the scheduler says into entries of the books.
pub(super) struct Reporter(Arc<Ledger>);

impl Reporter {
    pub(super) fn new(ledger: Arc<Ledger>) -> Self {
        Self(ledger)
    }
}

impl Reports for Reporter {
    fn overload(&self, service: Address, length: usize) {
        self.0.check(false, || format!("{service} is overloaded with {length} messages"));
    }

    // Time passes as it likes here, so every message may look endless.
    fn endless(&self, _message: &Endless) {}

    fn panicked(&self, service: Address, what: &str) {
        self.0.check(what == PLANNED, || format!("{service} panicked: {what}"));
    }

    fn ended(&self, left: usize) {
        if left == 0 {
            self.0.all_ended();
        }
    }
}

impl Node {
    pub(super) fn new(workers: usize, reports: Reporter) -> Self {
        let settings =
            Settings { harbor: 1, workers, profile: false, message_limit: Duration::ZERO };
        let scheduler = Arc::new(Scheduler::new(settings, Box::new(reports)));
        Self { scheduler, timer: Timer::new(clock()) }
    }

    /// Registers a service and starts it.
    pub(super) fn launch(self: &Arc<Self>, ledger: &Arc<Ledger>, role: Role) -> Address {
        let cell = self.scheduler.register().expect("there are few services");
        let address = cell.address();
        let player = Player {
            address,
            node: Arc::downgrade(self),
            ledger: Arc::clone(ledger),
            inside: AtomicBool::new(false),
            session: 0,
            role,
        };
        self.scheduler.start(&cell, Box::new(player));
        address
    }
}

/// What a service does.
pub(super) enum Role {
    Server { left: Option<usize>, panics: bool, meeting: Option<Arc<Meeting>> },
    Client { steps: Vec<Step>, window: usize, servers: Vec<Address>, next: usize, open: usize },
}

impl Role {
    pub(super) fn server(plan: &Server) -> Self {
        Self::Server { left: plan.lives, panics: plan.panics, meeting: None }
    }

    pub(super) fn client(plan: &Client, servers: &[Address]) -> Self {
        let (steps, servers) = (plan.steps.clone(), servers.to_vec());
        Self::Client { steps, window: plan.window, servers, next: 0, open: 0 }
    }
}

/// Where one service waits until another has run.
#[derive(Default)]
pub(super) struct Meeting {
    has_come: Mutex<bool>,
    came: Condvar,
}

impl Meeting {
    fn come(&self) {
        *self.has_come.lock().expect("no thread panics with it") = true;
        self.came.notify_all();
    }

    fn wait(&self) {
        let mut has_come = self.has_come.lock().expect("no thread panics with it");
        while !*has_come {
            has_come = self.came.wait(has_come).expect("no thread panics with it");
        }
    }
}

/// A service of the plan.
struct Player {
    address: Address,
    node: Weak<Node>,
    ledger: Arc<Ledger>,
    /// Whether a thread runs it now. Of the system and not of the model: it orders nothing.
    inside: AtomicBool,
    session: i32,
    role: Role,
}

impl Drop for Player {
    fn drop(&mut self) {
        self.ledger.dropped(self.address);
        if matches!(self.role, Role::Client { .. }) {
            self.ledger.client_ended();
        }
    }
}

impl Service for Player {
    fn dispatch(&mut self, message: Message) {
        let was_inside = self.inside.swap(true, Ordering::Relaxed);
        self.ledger.check(!was_inside, || format!("two threads run {}", self.address));
        // Here another worker may try to come in.
        thread::yield_now();
        let Some(node) = self.node.upgrade() else { return };
        match self.role {
            Role::Server { .. } => self.serve(&node, &message),
            Role::Client { .. } => self.go_on(&node, &message),
        }
        self.inside.store(false, Ordering::Relaxed);
    }
}

impl Player {
    fn serve(&mut self, node: &Node, message: &Message) {
        if message.kind == Kind::ERROR {
            return;
        }
        self.ledger.handled(number(message), self.address);
        let Role::Server { left, panics, meeting } = &mut self.role else { return };
        if let Some(meeting) = meeting {
            meeting.come();
        }
        let is_last = left.as_mut().is_some_and(|left| {
            *left -= 1;
            *left == 0
        });
        if is_last {
            self.ledger.cut_off(self.address);
        }
        if is_last && *panics {
            self.inside.store(false, Ordering::Relaxed);
            // Without the hook of panics: nobody needs to hear of it.
            std::panic::resume_unwind(Box::new(PLANNED));
        }
        if message.kind == Kind::LUA {
            let answer = Message::empty(self.address, message.session, Kind::RESPONSE);
            // A client ends when all its requests have ended, so it is there.
            let is_sent = node.scheduler.post(message.source, answer).is_ok();
            self.ledger.check(is_sent, || format!("{} ended early", message.source));
        }
        if is_last {
            node.scheduler.retire(self.address);
        }
    }

    fn go_on(&mut self, node: &Arc<Node>, message: &Message) {
        match message.kind {
            Kind::RESPONSE | Kind::ERROR => {
                let how = if message.kind == Kind::ERROR { "an error" } else { "an answer" };
                // A message that was only told may bounce, and ends nothing by that.
                if message.session != Session::NONE {
                    self.ledger.ended(self.address, message.session.number(), how);
                    self.end_step();
                }
            }
            _ => {}
        }
        while self.has_room() {
            self.begin_step(node);
        }
        let Role::Client { steps, next, open, .. } = &self.role else { return };
        if *next == steps.len() && *open == 0 {
            node.scheduler.retire(self.address);
        }
    }

    fn has_room(&self) -> bool {
        let Role::Client { steps, window, next, open, .. } = &self.role else { return false };
        *next < steps.len() && open < window
    }

    fn end_step(&mut self) {
        if let Role::Client { open, .. } = &mut self.role {
            *open -= 1;
        }
    }

    fn begin_step(&mut self, node: &Arc<Node>) {
        let Role::Client { steps, servers, next, open, .. } = &mut self.role else { return };
        let step = steps[*next];
        *next += 1;
        *open += 1;
        let server = |index: usize| servers[index % servers.len()];
        match step {
            Step::Ask(index) => {
                let to = server(index);
                self.ask(node, to);
            }
            Step::Tell(index) => {
                let to = server(index);
                self.send(node, to, Session::NONE, Kind::SNAX);
                self.end_step();
            }
            Step::Sleep(ticks) => {
                let session = self.open_session("a timeout");
                node.timer.add(self.address, Session::new(session), ticks);
            }
            Step::Launch => self.launch(node, None),
            Step::Meet => {
                let meeting = Arc::new(Meeting::default());
                self.launch(node, Some(Arc::clone(&meeting)));
                meeting.wait();
            }
        }
    }

    fn launch(&mut self, node: &Arc<Node>, meeting: Option<Arc<Meeting>>) {
        let server = Role::Server { left: None, panics: false, meeting };
        let to = node.launch(&self.ledger, server);
        self.ask(node, to);
        node.scheduler.retire_when_idle(to);
    }

    fn open_session(&mut self, what: &'static str) -> i32 {
        self.session += 1;
        self.ledger.opened(self.address, self.session, what);
        self.session
    }

    fn ask(&mut self, node: &Node, to: Address) {
        let session = self.open_session("a request");
        if !self.send(node, to, Session::new(session), Kind::LUA) {
            self.ledger.ended(self.address, session, "the message back");
            self.end_step();
        }
    }

    /// Sends a message; false when it came back.
    fn send(&self, node: &Node, to: Address, session: Session, kind: Kind) -> bool {
        let id = self.ledger.sent(self.address, to);
        let payload = Payload::copy_of(&id.to_le_bytes());
        let message = Message { source: self.address, session, kind, payload };
        let is_sent = node.scheduler.post(to, message).is_ok();
        if !is_sent {
            self.ledger.given_back(id);
        }
        is_sent
    }
}

/// The number that a message carries.
fn number(message: &Message) -> u64 {
    let bytes = message.payload.as_bytes().try_into().expect("messages of the plan have a number");
    u64::from_le_bytes(bytes)
}
