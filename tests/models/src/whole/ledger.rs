//! What was sent and what became of it.
//!
//! A handler must not panic to report a failure (the scheduler would catch that as the service's
//! own affair), so failures are noted and [`Ledger::close`] raises them.
//!
//! The books are under a lock of the system: no thread switches while it holds them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shuttle::sync::{Condvar, Mutex as ModelMutex};

use crate::message::Address;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Sent,
    Handled,
    GivenBack,
}

struct Entry {
    from: Address,
    to: Address,
    fate: Fate,
}

#[derive(Default)]
struct Books {
    entries: Vec<Entry>,
    /// The last message that a receiver handled of a sender.
    heard: HashMap<(Address, Address), u64>,
    /// The requests that wait for their end.
    open: HashMap<(Address, i32), &'static str>,
    dropped: Vec<Address>,
    /// Ended while somebody may have sent to them.
    cut_off: Vec<Address>,
    failures: Vec<String>,
}

#[derive(Default)]
struct Progress {
    clients_ended: usize,
    all_ended: bool,
}

/// The books of one execution.
pub(super) struct Ledger {
    books: Mutex<Books>,
    progress: ModelMutex<Progress>,
    changed: Condvar,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            books: Mutex::default(),
            progress: ModelMutex::new(Progress::default()),
            changed: Condvar::new(),
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a failure unless `is_so`.
    pub(super) fn check(&self, is_so: bool, what: impl FnOnce() -> String) {
        if !is_so {
            self.books().failures.push(what());
        }
    }

    /// Notes a message that is about to be sent, and returns its number.
    pub(super) fn sent(&self, from: Address, to: Address) -> u64 {
        let mut books = self.books();
        books.entries.push(Entry { from, to, fate: Fate::Sent });
        books.entries.len() as u64 - 1
    }

    pub(super) fn given_back(&self, id: u64) {
        self.end(id, Fate::GivenBack);
    }

    /// Notes that `by` handles a message: once, and in the order of its sender.
    pub(super) fn handled(&self, id: u64, by: Address) {
        self.end(id, Fate::Handled);
        let mut books = self.books();
        let Entry { from, to, .. } = books.entries[id as usize];
        if to != by {
            books.failures.push(format!("message {id} to {to} came to {by}"));
        }
        let before = books.heard.insert((from, to), id);
        if before.is_some_and(|before| before > id) {
            books.failures.push(format!("{to} heard {from} out of order: {id} after {before:?}"));
        }
    }

    fn end(&self, id: u64, fate: Fate) {
        let mut books = self.books();
        let before = std::mem::replace(&mut books.entries[id as usize].fate, fate);
        if before != Fate::Sent {
            books.failures.push(format!("message {id} was {before:?} and then {fate:?}"));
        }
    }

    /// Notes a request or a timeout that must end once.
    pub(super) fn opened(&self, by: Address, session: i32, what: &'static str) {
        let before = self.books().open.insert((by, session), what);
        self.check(before.is_none(), || format!("{by} used session {session} twice"));
    }

    /// Notes its end.
    pub(super) fn ended(&self, by: Address, session: i32, how: &str) {
        let was_open = self.books().open.remove(&(by, session)).is_some();
        self.check(was_open, || format!("{by}: {how} for session {session}, which is not open"));
    }

    pub(super) fn dropped(&self, address: Address) {
        let mut books = self.books();
        if books.dropped.contains(&address) {
            books.failures.push(format!("{address} was dropped twice"));
        }
        books.dropped.push(address);
    }

    /// Notes that a service is about to end although somebody may send to it: what it has not
    /// handled by then bounces.
    pub(super) fn cut_off(&self, address: Address) {
        self.books().cut_off.push(address);
    }

    pub(super) fn client_ended(&self) {
        self.tell(|progress| progress.clients_ended += 1);
    }

    pub(super) fn all_ended(&self) {
        self.tell(|progress| progress.all_ended = true);
    }

    fn tell(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    pub(super) fn wait_for_clients(&self, clients: usize) {
        self.wait_until(|progress| progress.clients_ended == clients);
    }

    pub(super) fn wait_for_all(&self) {
        self.wait_until(|progress| progress.all_ended);
    }

    fn wait_until(&self, is_so: impl Fn(&Progress) -> bool) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        while !is_so(&progress) {
            progress = self.changed.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Looks whether everything has its end, and raises what was noted.
    pub(super) fn close(&self) {
        let books = self.books();
        assert!(books.failures.is_empty(), "{:#?}", books.failures);
        assert!(books.open.is_empty(), "never ended: {:?}", books.open);
        for (id, entry) in books.entries.iter().enumerate() {
            let is_known = entry.fate != Fate::Sent || books.cut_off.contains(&entry.to);
            assert!(is_known, "message {id} from {} to {} is lost", entry.from, entry.to);
        }
    }
}
