//! One Lua state with all that the runtime keeps beside it.
//!
//! A [`Vm`] lives behind a raw pointer that every function of the runtime called from Lua finds
//! in the *extra space* of the Lua thread it runs in:
//!
//! | low bits | the rest points to | thread |
//! |---|---|---|
//! | `TASK` (1) | [`Task`] | a coroutine that the dispatcher made |
//! | none | [`Vm`] | the main thread, a coroutine of user code |
//! | `NESTED` (2), perhaps with `BLOCKED` (4) | [`Vm`] | made by `skynet.coroutine` |
//!
//! New Lua threads start with the main thread's word, so only tasks and nested coroutines set it.
//!
//! *Rules of this folder* (the safety arguments refer to them by number):
//!
//! 1. A `Vm` and its Lua state are touched only by the thread that runs the service (the owner of
//!    its mailbox), one function at a time. Functions make short-lived references from the raw
//!    pointer and never keep one across a call into Lua.
//! 2. A Lua error leaves a function by `longjmp`. So whoever calls a Lua function that can raise
//!    owns nothing that needs dropping at that time: values are put into the `Vm` or on the Lua
//!    stack first, or plain pointers are used.
//! 3. Rust code that might panic does not run below Lua frames: what is called there neither
//!    indexes nor unwraps. A panic that happens all the same is caught at the dispatch, and the
//!    state is left alone for ever.
//! 4. Every C function of Lua gets at least `LUA_MINSTACK` (20) free stack slots; functions that
//!    need more ask for them.

use std::collections::{HashMap, VecDeque};
use std::ffi::{c_char, c_int};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use mlua::ffi::{lua_State, lua_getextraspace};

use super::account::Account;
use super::calls::Calls;
use super::codecache::{Chunk, Mode};
use super::native::queue::Queue;
use super::runtime::Runtime;
use super::task::Task;
use super::trap::Trap;
use crate::message::{Address, Kind, Session};
use crate::node::Context;

/// Tag of a thread's extra space: it points to a [`Task`].
pub(super) const TASK: usize = 1;
/// Tag: the thread was made by `skynet.coroutine`.
pub(super) const NESTED: usize = 2;
/// Tag: a nested coroutine that waits for the runtime, not for its resumer.
pub(super) const BLOCKED: usize = 4;
const TAGS: usize = 7;

/// Who handles the messages of a service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Callback {
    /// The hidden first message has not been handled.
    Boot,
    /// Nobody: messages are dropped.
    None,
    /// The native dispatcher (`skynet.start`).
    Native,
    /// A Lua function (`skynet.core.callback`); the flag leaves payloads to it.
    Lua { forward: bool },
}

/// The message being handled.
#[derive(Clone, Copy)]
pub(super) struct Current {
    pub(super) kind: Kind,
    pub(super) session: Session,
    pub(super) source: Address,
    pub(super) start: *mut u8,
    pub(super) len: usize,
}

/// What the continuation of a resumed task is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The current message is what it waited for.
    Message,
    /// The request failed.
    Failed,
    /// The request failed, and the current message has a text that says why.
    Explained,
    /// It was woken before its time.
    Break,
    /// There was no answer in time.
    TimedOut,
}

/// Why the running task gave control back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Suspension {
    /// User code yielded on its own.
    Raw,
    /// It waits for the runtime.
    Blocked,
    /// `skynet.coroutine.yield`.
    Nested,
    /// The service exits.
    Quit,
}

/// Who waits for a session.
#[derive(Clone, Copy)]
pub(super) enum Waiter {
    /// A task in a call; the address is the number that was called, nobody for a name.
    Call { task: *mut Task, callee: Address },
    /// A task in a sleep (`timed`) or a wait.
    Sleep { task: *mut Task, timed: bool },
    /// A task that starts when its time has come.
    Start { task: *mut Task },
    /// A function (by its reference in `Refs::later`) that runs in a task of its own when its
    /// time has come. Nobody has seen its coroutine, so there is none yet.
    Later { function: c_int },
    /// A Lua function (by its registry reference) that takes the answer.
    Expect { function: c_int },
    /// `calls.rs`, which looks for calls that take too long.
    CallCheck,
    /// Nobody any more: the answer is dropped.
    Ignored,
}

/// An answer that a `response` closure owes.
pub(super) struct Reply {
    pub(super) session: Session,
    pub(super) source: Address,
}

/// What the dispatcher keeps of the protocol `lua`; see `native/protocol.rs`.
pub(super) struct LuaProtocol {
    /// The text of the name `lua` in this state.
    pub(super) name: *const c_char,
    /// Whether both `pack` and `unpack` are the native functions.
    pub(super) plain: bool,
    /// A registry reference to the dispatch function; negative when there is none.
    pub(super) dispatch: c_int,
}

/// References into the Lua registry, made once.
#[derive(Default)]
pub(super) struct Refs {
    /// Protocols by name and by number.
    pub(super) protocols: c_int,
    /// Keeps the threads of tasks alive: index to thread.
    pub(super) anchors: c_int,
    /// Session by the token that a task sleeps on.
    pub(super) sleeping: c_int,
    /// Functions of timeouts; 0 while none waits.
    pub(super) later: c_int,
    /// `skynet.core.callback`'s function.
    pub(super) callback: c_int,
    /// `skynet.dispatch_unknown_request`'s function; 0 when none was set.
    pub(super) unknown_request: c_int,
    /// `skynet.dispatch_unknown_response`'s function; 0 when none was set.
    pub(super) unknown_response: c_int,
    /// The functions of `skynet.init` that run before the start function; 0 without any.
    pub(super) pending_inits: c_int,
    /// The stock `require`.
    pub(super) stock_require: c_int,
    /// `skynet.forward_type`'s map; 0 when none was set.
    pub(super) forward: c_int,
    /// `skynet.filter`'s function; 0 when none was set.
    pub(super) filter: c_int,
    /// CPU clocks by coroutine (`skynet.profile`); 0 before the first.
    pub(super) profiles: c_int,
}

/// Hashes sessions: they count upwards, so spreading them by a multiplication is enough.
#[derive(Default)]
pub(super) struct SessionHasher(u64);

impl Hasher for SessionHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_i32(&mut self, session: i32) {
        // The golden ratio; hashbrown takes its tag from the top bits and the bucket from the low.
        self.0 = (session as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(20);
    }
}

pub(super) type Waiters = HashMap<i32, Waiter, BuildHasherDefault<SessionHasher>>;

/// The state beside a Lua state.
pub(super) struct Vm {
    pub(super) main: *mut lua_State,
    pub(super) context: Context,
    pub(super) account: Arc<Account>,
    pub(super) runtime: Arc<Runtime>,
    pub(super) refs: Refs,
    pub(super) lua_protocol: LuaProtocol,
    pub(super) callback: Callback,
    pub(super) exited: bool,
    /// Whether the start function has begun: `skynet.init` then belongs to modules only.
    pub(super) started: bool,
    /// The critical sections of `skynet.queue`.
    pub(super) queues: Vec<*mut Queue>,
    pub(super) current: Current,
    /// The block to free when the dispatch ends; null when somebody took it over.
    pub(super) block: *mut u8,
    pub(super) answer: Answer,
    pub(super) suspension: Suspension,
    /// Whom the functions of `expect` wait for, by session.
    pub(super) expected_from: HashMap<i32, Address>,
    /// Sessions found by a search, so that the search owns nothing.
    pub(super) scratch_sessions: Vec<i32>,
    /// A task whose arguments are being unpacked; null otherwise.
    pub(super) starting: *mut Task,
    /// Whether the current message is a request that nobody has been made to answer yet.
    pub(super) unheard: bool,
    /// The task that runs; null in the main thread.
    pub(super) running: *mut Task,
    /// What a signal from another thread needs.
    pub(super) trap: Arc<Trap>,
    pub(super) waiters: Waiters,
    /// The sockets of the library `skynet.socket`.
    pub(super) streams: super::socket::stream::Streams,
    /// What is known of calls that take long.
    pub(super) calls: Calls,
    /// Calls to names: the name by session.
    pub(super) named_calls: HashMap<i32, Box<[u8]>>,
    /// How many functions wait in `Refs::later`.
    pub(super) later_count: usize,
    pub(super) wakeups: VecDeque<i32>,
    pub(super) failures: VecDeque<i32>,
    pub(super) forks: VecDeque<*mut Task>,
    pub(super) tasks: super::task::Tasks,
    pub(super) replies: HashMap<i64, Reply>,
    pub(super) next_reply: i64,
    /// Errors of the current message, joined by newlines.
    pub(super) errors: Vec<u8>,
    /// The task that runs the start function; null before and after.
    pub(super) starter: *mut Task,
    pub(super) trace: super::trace::Trace,
    pub(super) cache_mode: Mode,
    /// Compiled code that the state's functions point into.
    pub(super) chunks: Vec<Arc<Chunk>>,
}

impl Vm {
    /// Returns a session that a search left in `scratch_sessions`; 0 beyond their end.
    ///
    /// # Safety
    /// Rule 1.
    pub(super) unsafe fn found_session(vm: *mut Vm, at: usize) -> i32 {
        // SAFETY: as the caller's; the reference ends here.
        let found = unsafe { &(*vm).scratch_sessions };
        found.get(at).copied().unwrap_or_default()
    }

    /// Returns a session that nobody of this service waits for.
    pub(super) fn new_session(&self) -> i32 {
        loop {
            let session = self.context.next_session().number();
            if self.waiters.is_empty() || !self.waiters.contains_key(&session) {
                return session;
            }
        }
    }
}

/// Returns the `Vm` of a Lua thread.
///
/// # Safety
/// The thread belongs to the state of a live `Vm`.
pub(super) unsafe fn vm_of(l: *mut lua_State) -> *mut Vm {
    // SAFETY: the extra space is set before the state runs any code and is inherited.
    let word = unsafe { extra(l) };
    if word & TASK != 0 {
        // SAFETY: the tag says that it is a live task.
        return unsafe { (*((word & !TAGS) as *mut Task)).vm };
    }
    (word & !TAGS) as *mut Vm
}

/// Returns the task that a Lua thread is, null when it is none.
///
/// # Safety
/// As [`vm_of`].
pub(super) unsafe fn task_of(l: *mut lua_State) -> *mut Task {
    // SAFETY: as the caller's.
    let word = unsafe { extra(l) };
    if word & TASK != 0 { (word & !TAGS) as *mut Task } else { std::ptr::null_mut() }
}

/// Returns the word in a thread's extra space.
///
/// # Safety
/// As [`vm_of`].
pub(super) unsafe fn extra(l: *mut lua_State) -> usize {
    // SAFETY: Lua keeps LUA_EXTRASPACE (a pointer's size) bytes in front of each thread.
    unsafe { *lua_getextraspace(l).cast::<usize>() }
}

/// Sets the word in a thread's extra space.
///
/// # Safety
/// `l` is a live Lua thread, and the word follows the table above.
pub(super) unsafe fn set_extra(l: *mut lua_State, word: usize) {
    // SAFETY: as `extra`.
    unsafe { *lua_getextraspace(l).cast::<usize>() = word };
}
