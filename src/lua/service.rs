//! A Lua service (`snlua`): one Lua state that the scheduler runs. Spec: runtime section 9.

use std::collections::{HashMap, VecDeque};
use std::ffi::c_int;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use mlua::ffi::{
    self, LUA_TNIL, LUA_TSTRING, lua_State, lua_close, lua_gettop, lua_newstate, lua_pushcfunction,
    lua_tolstring, lua_type, luaL_callmeta, luaL_traceback,
};

use super::account::{Account, allocate};
use super::boot;
use super::calls::{self, Calls};
use super::codecache::Mode;
use super::runtime::Runtime;
use super::socket::stream::Streams;
use super::task::Tasks;
use super::trace::Trace;
use super::trap::Trap;
use super::vm::{Answer, Callback, Current, LuaProtocol, Refs, Suspension, Vm, Waiters, set_extra};
use crate::message::{Address, Kind, Message, Payload, Session};
use crate::node::{Context, Node, StartError};
use crate::service::{Service, Signals};

/// A Lua service as the scheduler sees it.
pub(super) struct LuaService {
    vm: NonNull<Vm>,
    /// Set while a message is handled: if it still is when the service is dropped, a panic left
    /// the state in the middle of something, and it must not be touched again.
    in_dispatch: bool,
}

// SAFETY: a Lua state has no thread affinity; rule 1 keeps its users apart.
unsafe impl Send for LuaService {}

impl LuaService {
    /// Makes the service; its script runs with its first message.
    pub(super) fn start(
        runtime: &Arc<Runtime>,
        context: &Context,
        args: Option<&[u8]>,
    ) -> Result<Box<dyn Service>, StartError> {
        let args =
            args.ok_or_else(|| StartError("snlua needs the name of a Lua service".into()))?;
        let service = Self::new(runtime, context)?;
        let first = Message {
            source: context.address(),
            session: Session::NONE,
            kind: Kind::TEXT,
            payload: Payload::copy_of(args),
        };
        // The address is known already, to nodes that knew this one in an earlier life if to nobody
        // else: what they send must not come first. The launcher owns the mailbox, so it may put a
        // message in front of those that wait.
        context.cell().body.lock().batch.push_back(first);
        Ok(Box::new(service))
    }

    fn new(runtime: &Arc<Runtime>, context: &Context) -> Result<Self, StartError> {
        let account = Arc::new(Account::new(context));
        let trap = Arc::new(Trap::new());
        let main = new_state(&account, runtime.seed);
        if main.is_null() {
            return Err(StartError("not enough memory for a Lua state".into()));
        }
        context.cell().set_signals(Box::new(LuaSignals {
            node: Arc::clone(context.node()),
            service: context.address(),
            account: Arc::clone(&account),
            trap: Arc::clone(&trap),
        }));
        let vm = Box::into_raw(Box::new(Vm {
            main,
            context: context.clone(),
            account,
            runtime: Arc::clone(runtime),
            refs: Refs::default(),
            lua_protocol: LuaProtocol { name: ptr::null(), plain: false, dispatch: ffi::LUA_NOREF },
            callback: Callback::Boot,
            exited: false,
            started: false,
            queues: Vec::new(),
            current: Current {
                kind: Kind::TEXT,
                session: Session::NONE,
                source: Address::NOBODY,
                start: ptr::null_mut(),
                len: 0,
            },
            block: ptr::null_mut(),
            answer: Answer::Message,
            suspension: Suspension::Raw,
            expected_from: HashMap::new(),
            scratch_sessions: Vec::new(),
            starting: ptr::null_mut(),
            unheard: false,
            running: ptr::null_mut(),
            trap,
            waiters: Waiters::default(),
            streams: Streams::default(),
            calls: Calls::new(context.node().call_warning()),
            named_calls: HashMap::new(),
            later_count: 0,
            wakeups: VecDeque::new(),
            failures: VecDeque::new(),
            forks: VecDeque::new(),
            tasks: Tasks::default(),
            replies: HashMap::new(),
            next_reply: 1,
            errors: Vec::new(),
            starter: ptr::null_mut(),
            trace: Trace::default(),
            cache_mode: Mode::On,
            chunks: Vec::new(),
        }));
        // SAFETY: the state is new, and the Vm is at its final address.
        unsafe {
            set_extra(main, vm as usize);
            // The handler of every protected call sits at the bottom of the main stack.
            lua_pushcfunction(main, traceback);
        }
        // SAFETY: Box::into_raw gives no null.
        Ok(Self { vm: unsafe { NonNull::new_unchecked(vm) }, in_dispatch: false })
    }
}

/// Makes an empty Lua state whose memory is booked on an account.
fn new_state(account: &Arc<Account>, seed: u32) -> *mut lua_State {
    let account = Arc::as_ptr(account).cast_mut().cast();
    #[cfg(feature = "lua55")]
    // SAFETY: `allocate` follows Lua's contract; the account outlives the state (see `Drop`).
    return unsafe { lua_newstate(allocate, account, seed) };
    #[cfg(not(feature = "lua55"))]
    // SAFETY: as above; Lua 5.4 chooses its own seed.
    return unsafe {
        let _ = seed;
        lua_newstate(allocate, account)
    };
}

impl Service for LuaService {
    fn dispatch(&mut self, message: Message) {
        self.in_dispatch = true;
        let vm = self.vm.as_ptr();
        let Message { source, session, kind, payload } = message;
        // SAFETY: rule 1: the scheduler runs a service on one thread at a time. The block is the
        // message's own until somebody takes it over and clears the field; a shared one is only
        // lent, and lives until the end of this function.
        unsafe {
            let (start, len, _lent) = if payload.is_shared() && !Vm::gives_blocks_away(vm) {
                (payload.as_ptr(), payload.len(), Some(payload))
            } else {
                let (start, len) = payload.into_raw();
                (*vm).block = start;
                (start, len, None)
            };
            (*vm).current = Current { kind, session, source, start, len };
            (*vm).trap.begin((*vm).main);
            let turn = (*vm).context.node().net().begin_turn();
            match (*vm).callback {
                Callback::Boot => boot::run(vm),
                Callback::None => {}
                Callback::Native | Callback::Lua { .. } => Vm::handle(vm),
            }
            drop(turn);
            (*vm).trap.end();
            libc::free((*vm).block.cast());
            (*vm).block = ptr::null_mut();
            (*vm).current.start = ptr::null_mut();
            (*vm).current.len = 0;
        }
        self.in_dispatch = false;
    }
}

impl Drop for LuaService {
    fn drop(&mut self) {
        let vm = self.vm.as_ptr();
        // SAFETY: rule 1; only records of the runtime are looked at.
        unsafe {
            if !(*vm).context.node().is_ending() {
                calls::fail_taken(vm);
            }
        }
        if self.in_dispatch {
            return;
        }
        // SAFETY: this is the last use of the state (rule 1). Finalizers run in `lua_close` and
        // may still send; the records that threads point to are freed after it.
        unsafe {
            lua_close((*vm).main);
            let vm = Box::from_raw(vm);
            // Sockets of the library end with the service.
            vm.streams.ids().for_each(|id| vm.context.node().net().close(id));
            let tasks = vm.all_tasks();
            Vm::free_tasks(tasks);
        }
    }
}

/// Receives the service's signals on the sender's thread. The cell holds it, so it must not hold
/// the cell (as a `Context` does).
struct LuaSignals {
    node: Arc<Node>,
    service: Address,
    account: Arc<Account>,
    trap: Arc<Trap>,
}

impl LuaSignals {
    fn log(&self, line: &str) {
        self.node.log(self.service, line.as_bytes());
    }
}

impl Signals for LuaSignals {
    fn signal(&self, number: i32) {
        self.log(&format!("recv a signal {number}"));
        match number {
            0 => self.trap.interrupt(),
            1 => {
                let kibibytes = self.account.used() as f64 / 1024.0;
                self.log(&format!("Current Memory {kibibytes:.3}K"));
            }
            _ => {}
        }
    }

    fn describe(&self, patience: Duration) -> Option<String> {
        self.trap.describe(patience)
    }

    fn memory(&self) -> u64 {
        self.account.used() as u64
    }

    fn interrupt(&self, limit: Duration) {
        self.trap.interrupt_after(limit);
    }
}

/// The message handler of protected calls: adds a traceback to a string error.
pub(super) unsafe extern "C-unwind" fn traceback(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with the error value; nothing is owned.
    unsafe {
        if lua_type(l, 1) == LUA_TSTRING {
            luaL_traceback(l, l, lua_tolstring(l, 1, ptr::null_mut()), 1);
        } else if lua_type(l, 1) == LUA_TNIL || luaL_callmeta(l, 1, c"__tostring".as_ptr()) == 0 {
            ffi::lua_pushstring(l, c"(no error message)".as_ptr());
        }
        debug_assert!(lua_gettop(l) >= 1);
        1
    }
}
