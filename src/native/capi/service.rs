//! One service in C: what `struct skynet_context` is, and how messages get to the callback.
//! Spec: runtime sections 8.2 to 8.4.

use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;

use super::library::Library;
use crate::message::{Address, Kind, Message, Payload, Session, socket};
use crate::node::{Context, StartError};
use crate::service::{Service, Signals};

/// `skynet_cb`: returns 0 when the message is to be freed.
pub(super) type Callback = unsafe extern "C" fn(
    context: *mut c_void,
    user: *mut c_void,
    kind: c_int,
    session: c_int,
    source: u32,
    message: *const c_void,
    len: usize,
) -> c_int;

/// What C code knows as `struct skynet_context`.
pub(super) struct Host {
    pub(super) context: Context,
    pub(super) callback: Cell<Option<Callback>>,
    pub(super) user: Cell<*mut c_void>,
    /// The last result of `skynet_command`.
    pub(super) result: RefCell<CString>,
    /// The requests that have been taken and not answered.
    debts: RefCell<Vec<(Address, Session)>>,
}

impl Host {
    /// Notes that an answer, or the request itself, goes on its way: it is not owed any more.
    pub(super) fn settle(&self, to: Address, source: Address, kind: Kind, session: Session) {
        let answers = matches!(kind, Kind::RESPONSE | Kind::ERROR);
        let requester = if answers { to } else { source };
        let mut debts = self.debts.borrow_mut();
        if let Some(at) = debts.iter().rposition(|debt| *debt == (requester, session)) {
            debts.swap_remove(at);
        }
    }

    fn owe(&self, message: &Message) {
        if message.session == Session::NONE
            || matches!(message.kind, Kind::RESPONSE | Kind::ERROR)
            || message.source == Address::NOBODY
        {
            return;
        }
        let mut debts = self.debts.borrow_mut();
        if debts.len() >= 64 && debts.len().is_power_of_two() {
            let registry = &self.context.node().scheduler().registry;
            debts.retain(|(source, _)| registry.with(*source, |_| ()).is_some());
        }
        debts.push((message.source, message.session));
    }
}

thread_local! {
    /// The host whose C code runs on this thread; null outside.
    static RUNNING: Cell<*const Host> = const { Cell::new(ptr::null()) };
}

/// Returns the host whose code runs on this thread.
pub(super) fn running() -> *const Host {
    RUNNING.get()
}

/// Runs C code as that of a host.
fn run_as<R>(host: *const Host, run: impl FnOnce() -> R) -> R {
    let outer = RUNNING.replace(host);
    let result = run();
    RUNNING.set(outer);
    result
}

/// The service as the scheduler sees it.
struct CService {
    host: *mut Host,
    instance: *mut c_void,
    library: Arc<Library>,
}

// SAFETY: rule 3; C services move between threads by the contract of the API.
unsafe impl Send for CService {}

/// Starts a service: creates the instance and calls `xxx_init`.
pub(super) fn start(
    library: &Arc<Library>,
    context: &Context,
    args: Option<&[u8]>,
) -> Result<Box<dyn Service>, StartError> {
    let instance = match library.create {
        // SAFETY: rule 1.
        Some(create) => unsafe { create() },
        // What the API says an instance is that nobody creates.
        None => ptr::without_provenance_mut(usize::MAX),
    };
    if instance.is_null() {
        return Err(StartError("the C service made no instance".into()));
    }
    let host = Box::into_raw(Box::new(Host {
        context: context.clone(),
        callback: Cell::new(None),
        user: Cell::new(ptr::null_mut()),
        result: RefCell::default(),
        debts: RefCell::default(),
    }));
    let service = CService { host, instance, library: Arc::clone(library) };
    let args = args.map(|args| CString::new(before_nul(args)).unwrap_or_default());
    let text = args.as_ref().map_or(ptr::null(), |args| args.as_ptr());
    if !service.init(text) {
        return Err(StartError("the C service's init function refused".into()));
    }
    if let Some(signal) = library.signal {
        context.cell().set_signals(Box::new(CSignals { instance, signal }));
    }
    Ok(Box::new(service))
}

fn before_nul(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

impl CService {
    fn init(&self, text: *const c_char) -> bool {
        // SAFETY: rules 1 and 2; the text lives until init returns.
        run_as(self.host, || unsafe {
            (self.library.init)(self.instance, self.host.cast(), text) == 0
        })
    }
}

impl Service for CService {
    fn dispatch(&mut self, message: Message) {
        // SAFETY: rule 2.
        let host = unsafe { &*self.host };
        // Without a callback messages are dropped.
        let Some(callback) = host.callback.get() else { return socket::discard(message) };
        host.owe(&message);
        let Message { source, session, kind, mut payload } = message;
        let node = host.context.node();
        if kind == Kind::ERROR && (source == Address::NOBODY || node.is_remote(source)) {
            // The harbor service's text for Lua services; in C an error has none.
            payload = Payload::EMPTY;
        }
        let (start, len) = payload.into_raw();
        // SAFETY: rules 1 and 3; the block is lent, and given away when the callback says so.
        let keeps = run_as(host, || unsafe {
            callback(
                self.host.cast(),
                host.user.get(),
                kind.number().into(),
                session.number(),
                source.bits(),
                start.cast_const().cast(),
                len,
            )
        });
        if keeps == 0 {
            // SAFETY: rule 4: the service has not kept the block.
            unsafe { libc::free(start.cast()) };
        }
    }
}

impl Drop for CService {
    fn drop(&mut self) {
        if let Some(release) = self.library.release {
            // SAFETY: rules 1 and 2: the instance's last use.
            run_as(self.host, || unsafe { release(self.instance) });
        }
        // SAFETY: rule 2: made by Box::into_raw, and nobody uses it after release.
        let host = unsafe { Box::from_raw(self.host) };
        let context = &host.context;
        if context.node().is_ending() {
            return;
        }
        for (to, session) in host.debts.take() {
            // A requester that is gone needs no notice.
            let _ = context.send(to, Message::empty(context.address(), session, Kind::ERROR));
        }
    }
}

/// Passes signals on to the C service, on the sender's thread.
struct CSignals {
    instance: *mut c_void,
    signal: unsafe extern "C" fn(*mut c_void, c_int),
}

// SAFETY: by the contract of the API `xxx_signal` may run on any thread beside the callback.
unsafe impl Send for CSignals {}
// SAFETY: as above.
unsafe impl Sync for CSignals {}

impl Signals for CSignals {
    fn signal(&self, number: i32) {
        // SAFETY: rule 1. The cell is asked for signals only while the service is registered; one
        // that ends at this very moment is the API's own race.
        unsafe { (self.signal)(self.instance, number) };
    }
}
