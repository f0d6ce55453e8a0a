//! The module `skynet.stdin`: lines of standard input for a service, without blocking a worker.
//!
//! A thread of its own reads, but only while somebody waits for a line: so a node that is
//! stopped in the foreground reads nothing behind its user's back.

use std::ffi::{c_char, c_int};
use std::io::BufRead;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use mlua::ffi::{lua_KContext, lua_State, lua_createtable, lua_pushlstring, lua_pushnil};

use super::native::{block, require_yieldable, set_functions};
use super::runtime::Runtime;
use super::vm::{Answer, Waiter, vm_of};
use crate::message::{Address, Kind, Message, Payload, Session};
use crate::node::Node;

/// Who waits for the next line.
struct Wanted {
    node: Arc<Node>,
    service: Address,
    session: Session,
}

/// The reading thread, once it is needed.
#[derive(Default)]
pub(super) struct Stdin {
    reader: Mutex<Option<Sender<Wanted>>>,
}

impl Stdin {
    /// Has the next line sent to a service as the answer to `session`; an error at the end of
    /// the input.
    fn want(&self, wanted: Wanted) {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = reader.get_or_insert_with(start_reader);
        // The reader only ends with the process.
        let _ = sender.send(wanted);
    }
}

fn start_reader() -> Sender<Wanted> {
    let (sender, wanted) = channel();
    let reader = std::thread::Builder::new().name("stdin".to_owned());
    // Without a thread nobody answers, as with a terminal at which nobody types.
    let _ = reader.spawn(move || read_lines(&wanted));
    sender
}

fn read_lines(wanted: &Receiver<Wanted>) {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    for Wanted { node, service, session } in wanted {
        line.clear();
        let got = input.read_until(b'\n', &mut line);
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let (kind, payload) = match got {
            Ok(0) | Err(_) => (Kind::ERROR, Payload::EMPTY),
            Ok(_) => (Kind::RESPONSE, Payload::copy_of(text)),
        };
        let message = Message { source: Address::NOBODY, session, kind, payload };
        // A service that is gone needs no line.
        let _ = node.scheduler().post(service, message);
    }
}

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 1);
        set_functions(l, &[(c"readline", readline)]);
        1
    }
}

/// `readline()`: the next line without its end, or nil at the end of the input. Blocks the
/// coroutine.
unsafe extern "C-unwind" fn readline(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the request is given away before the yield.
    unsafe {
        let vm = vm_of(l);
        require_yieldable(l, vm);
        let session = (*vm).new_session();
        let task = (*vm).running;
        if !task.is_null() {
            (*vm).waiters.insert(session, Waiter::Call { task, callee: Address::NOBODY });
            let context = &(*vm).context;
            let runtime: &Runtime = &(*vm).runtime;
            runtime.stdin.want(Wanted {
                node: Arc::clone(context.node()),
                service: context.address(),
                session: Session::new(session),
            });
        }
        block(l, vm, session, 0, read)
    }
}

unsafe extern "C-unwind" fn read(
    l: *mut lua_State,
    _status: c_int,
    _context: lua_KContext,
) -> c_int {
    // SAFETY: Lua calls this when the dispatcher resumed the task.
    unsafe {
        let vm = vm_of(l);
        if (*vm).answer == Answer::Failed {
            lua_pushnil(l);
        } else {
            let start = (*vm).current.start.cast::<c_char>();
            lua_pushlstring(
                l,
                if start.is_null() { c"".as_ptr() } else { start },
                (*vm).current.len,
            );
        }
        1
    }
}
