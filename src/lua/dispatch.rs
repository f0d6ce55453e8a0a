//! From a message to a running coroutine. Spec: Lua API sections 3.1 to 3.6.
//!
//! A response finds its waiter by session; any other message becomes a task that runs the
//! dispatch function of its protocol with the unpacked payload. User code is all the Lua that
//! runs.

use std::ffi::c_int;
use std::io::Write;
use std::ptr;

use mlua::ffi::{
    self, LUA_MULTRET, LUA_OK, LUA_REGISTRYINDEX, LUA_TNIL, LUA_TTABLE, lua_Integer, lua_State,
    lua_call, lua_getfield, lua_gettop, lua_pop, lua_pushboolean, lua_pushcfunction,
    lua_pushinteger, lua_pushlightuserdata, lua_rawgeti, lua_settop, lua_tolstring, lua_xmove,
    luaL_unref,
};

use super::calls;
use super::error::raise_top;
use super::failures::error_message;
use super::later;
use super::native::protocol::{UNPACK, is_native};
use super::send::post_error;
use super::seri;
use super::socket::stream;
use super::task::Task;
use super::trace;
use super::unhandled::{unknown_request, unknown_response};
use super::vm::{Answer, Callback, Current, Vm, Waiter, vm_of};
use crate::message::{Address, Kind, Session};

/// Where the message handler (traceback) of every protected call sits in the main thread.
const TRACEBACK: c_int = 1;

impl Vm {
    /// Handles the current message. Everything that goes wrong ends in the log.
    ///
    /// # Safety
    /// Rule 1; no task runs.
    pub(super) unsafe fn handle(vm: *mut Vm) {
        // SAFETY: as the caller's; the protected call keeps errors from leaving.
        unsafe {
            Vm::protected(vm, dispatch);
            while !(*vm).forks.is_empty() {
                // An error that left the dispatcher must not keep them.
                Vm::protected(vm, forks);
            }
            if !(*vm).errors.is_empty() {
                Vm::log_errors(vm);
            }
            lua_settop((*vm).main, TRACEBACK);
        }
    }

    /// Tells whether handlers may take messages over, as `skynet.forward_type` lets them.
    ///
    /// # Safety
    /// Rule 1.
    pub(super) unsafe fn gives_blocks_away(vm: *mut Vm) -> bool {
        // SAFETY: as the caller's.
        unsafe {
            (*vm).refs.forward != 0 || matches!((*vm).callback, Callback::Lua { forward: true })
        }
    }

    /// Calls a part of the dispatcher so that no error leaves it.
    unsafe fn protected(vm: *mut Vm, part: ffi::lua_CFunction) {
        // SAFETY: rule 1.
        unsafe {
            lua_pushcfunction((*vm).main, part);
            let status = ffi::lua_pcall((*vm).main, 0, 0, TRACEBACK);
            if status != LUA_OK {
                Vm::dispatch_failed(vm, status);
            }
        }
    }

    /// An error left the dispatcher: a handler of unknown messages raised, the payload did not
    /// unpack, or memory ran out.
    #[cold]
    unsafe fn dispatch_failed(vm: *mut Vm, status: c_int) {
        // SAFETY: rule 1; the error's text is on top of the main thread.
        unsafe {
            let starting = std::mem::replace(&mut (*vm).starting, ptr::null_mut());
            if !starting.is_null() {
                // Lua has marked the thread as dead when the error left it.
                Vm::discard_task(vm, starting);
            }
            if std::mem::take(&mut (*vm).unheard) {
                post_error(vm, (*vm).current.source, (*vm).current.session);
            }
            (*vm).running = ptr::null_mut();
            match status {
                ffi::LUA_ERRMEM => report_memory_error(vm),
                ffi::LUA_ERRERR => log_line(vm, "lua error in error", b""),
                _ => {
                    let mut len = 0;
                    let text = lua_tolstring((*vm).main, -1, &mut len);
                    let text = match text.is_null() {
                        true => &b"(no error message)"[..],
                        false => std::slice::from_raw_parts(text.cast(), len),
                    };
                    let errors = &mut (*vm).errors;
                    if !errors.is_empty() {
                        errors.push(b'\n');
                    }
                    errors.extend_from_slice(text);
                }
            }
        }
    }

    #[cold]
    unsafe fn log_errors(vm: *mut Vm) {
        // SAFETY: rule 1.
        unsafe {
            let errors = std::mem::take(&mut (*vm).errors);
            let size = (*vm).current.len;
            let mut line = Vec::with_capacity(errors.len() + 80);
            // Writing to a vector does not fail.
            let _ = write!(line, "lua call [{} msgsz = {size}] error : \x1b[31m", route(vm));
            line.extend_from_slice(&errors);
            line.extend_from_slice(b"\x1b[0m");
            let context = &(*vm).context;
            context.node().log(context.address(), &line);
        }
    }
}

/// `<source> to :<self> : <session>`, as log lines show a message.
unsafe fn route(vm: *mut Vm) -> String {
    // SAFETY: rule 1.
    let (current, own) = unsafe { ((*vm).current, (*vm).context.address()) };
    format!("{:x} to :{:x} : {}", current.source.bits(), own.bits(), current.session.number())
}

unsafe fn log_line(vm: *mut Vm, what: &str, rest: &[u8]) {
    // SAFETY: rule 1.
    unsafe {
        let line = [format!("{what} : [{}]", route(vm)).as_bytes(), rest].concat();
        (*vm).context.node().log((*vm).context.address(), &line);
    }
}

/// Logs that memory ran out while the current message was handled.
///
/// # Safety
/// Rule 1.
pub(super) unsafe fn report_memory_error(vm: *mut Vm) {
    // SAFETY: as the caller's.
    unsafe { log_line(vm, "lua memory error", b"") }
}

/// The body of the protected call around every message.
unsafe extern "C-unwind" fn dispatch(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in the main thread of a live Vm; nothing is owned here.
    unsafe {
        let vm = vm_of(l);
        match (*vm).callback {
            Callback::Lua { forward } => call_lua(vm, l, forward),
            Callback::Native if (*vm).refs.filter != 0 => filtered(vm, l),
            Callback::Native => {
                if (*vm).refs.forward != 0 {
                    apply_forward(vm, l);
                }
                dispatch_current(vm, l);
            }
            Callback::Boot | Callback::None => {}
        }
        0
    }
}

/// Runs the forks that an error of the dispatcher has left behind.
unsafe extern "C-unwind" fn forks(l: *mut lua_State) -> c_int {
    // SAFETY: as `dispatch`.
    unsafe { Vm::run_forks(vm_of(l)) };
    0
}

/// Calls the function of `skynet.core.callback`.
unsafe fn call_lua(vm: *mut Vm, l: *mut lua_State, forward: bool) {
    // SAFETY: rules 1 and 2.
    unsafe {
        if forward {
            (*vm).block = ptr::null_mut();
        }
        lua_rawgeti(l, LUA_REGISTRYINDEX, (*vm).refs.callback.into());
        push_current(l, &(*vm).current);
        lua_call(l, 5, 0);
    }
}

/// Pushes type, pointer, size, session and source of a message.
unsafe fn push_current(l: *mut lua_State, current: &Current) {
    // SAFETY: rule 4.
    unsafe {
        lua_pushinteger(l, current.kind.number().into());
        lua_pushlightuserdata(l, current.start.cast());
        lua_pushinteger(l, current.len as lua_Integer);
        lua_pushinteger(l, current.session.number().into());
        lua_pushinteger(l, current.source.bits().into());
    }
}

/// Reads a message from five stack values, as `push_current` pushes them.
///
/// # Safety
/// `l` runs; the pointer on its stack is a message's payload.
pub(super) unsafe fn read_current(l: *mut lua_State, first: c_int) -> Current {
    // SAFETY: plain API calls; nothing is owned.
    unsafe {
        Current {
            kind: super::send::kind(l, first),
            start: ffi::lua_touserdata(l, first + 1).cast(),
            len: ffi::luaL_optinteger(l, first + 2, 0) as usize,
            session: Session::new(ffi::luaL_checkinteger(l, first + 3) as i32),
            source: Address::new(ffi::luaL_checkinteger(l, first + 4) as u32),
        }
    }
}

/// Lets the function of `skynet.filter` change the message first.
unsafe fn filtered(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rules 1 and 2.
    unsafe {
        (*vm).unheard = wants_answer(&(*vm).current);
        lua_rawgeti(l, LUA_REGISTRYINDEX, (*vm).refs.filter.into());
        push_current(l, &(*vm).current);
        lua_call(l, 5, 5);
        (*vm).current = read_current(l, ffi::lua_absindex(l, -5));
        dispatch_current(vm, l);
    }
}

/// Applies the map of `skynet.forward_type`: another type, and the payload is left to the handler.
unsafe fn apply_forward(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rules 1 and 2.
    unsafe {
        lua_rawgeti(l, LUA_REGISTRYINDEX, (*vm).refs.forward.into());
        if lua_rawgeti(l, -1, (*vm).current.kind.number().into()) != LUA_TNIL {
            (*vm).current.kind = Kind::new(ffi::lua_tointeger(l, -1) as u8);
            (*vm).block = ptr::null_mut();
        }
        lua_pop(l, 2);
    }
}

/// Dispatches the current message and runs what it makes runnable.
///
/// # Safety
/// Rules 1 and 2; no task runs.
pub(super) unsafe fn dispatch_current(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: as the caller's.
    unsafe {
        (*vm).unheard = wants_answer(&(*vm).current);
        if (*vm).current.kind == Kind::RESPONSE {
            response(vm, l);
        } else {
            request(vm, l);
        }
        Vm::run_forks(vm);
    }
}

/// Tells whether whoever sent a message waits for an answer.
fn wants_answer(message: &Current) -> bool {
    message.session != Session::NONE && !matches!(message.kind, Kind::RESPONSE | Kind::ERROR)
}

/// An answer or an expired timer: resumes who waits for it.
unsafe fn response(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rules 1 and 2.
    unsafe {
        let session = (*vm).current.session.number();
        (*vm).answer = Answer::Message;
        match (*vm).waiters.remove(&session) {
            Some(Waiter::Call { task, callee }) => {
                forget_name(vm, session, callee);
                Vm::run(vm, task, 0);
            }
            Some(Waiter::Sleep { task, .. }) => Vm::run(vm, task, 0),
            Some(Waiter::Start { task }) => Vm::begin(vm, task),
            Some(Waiter::Later { function }) => {
                let task = later::begin(vm, l, function);
                Vm::begin(vm, task);
            }
            Some(Waiter::Expect { function }) => {
                (*vm).expected_from.remove(&session);
                let (task, args) = expected(vm, function, true);
                Vm::run(vm, task, args);
            }
            Some(Waiter::CallCheck) => calls::check(vm, l),
            Some(Waiter::Ignored) => {}
            None if (*vm).calls.may_be_late(session) => {}
            None => unknown_response(vm, l),
        }
    }
}

/// Forgets the name that a call went to.
pub(super) unsafe fn forget_name(vm: *mut Vm, session: i32, callee: Address) {
    // SAFETY: rule 1.
    unsafe {
        if callee == Address::NOBODY {
            (*vm).named_calls.remove(&session);
        }
    }
}

/// Makes a task of the function that waits for an answer of its own (`expect`).
///
/// # Safety
/// Rules 1 and 2; the dispatcher's protected mode is on.
pub(super) unsafe fn expected(vm: *mut Vm, function: c_int, answered: bool) -> (*mut Task, c_int) {
    // SAFETY: rules 1, 2 and 4.
    unsafe {
        let main = (*vm).main;
        let task = Vm::take_task(vm, main);
        let thread = (*task).thread;
        lua_rawgeti(thread, LUA_REGISTRYINDEX, function.into());
        luaL_unref(main, LUA_REGISTRYINDEX, function);
        lua_pushboolean(thread, answered.into());
        lua_pushlightuserdata(thread, (*vm).current.start.cast());
        lua_pushinteger(thread, (*vm).current.len as lua_Integer);
        (task, 3)
    }
}

/// A request (or any message that is no answer): runs its protocol's dispatch function.
unsafe fn request(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rules 1, 2 and 4.
    unsafe {
        let kind = (*vm).current.kind;
        if kind == Kind::LUA && (*vm).lua_protocol.plain && (*vm).lua_protocol.dispatch > 0 {
            return lua_request(vm, l);
        }
        if kind == Kind::SOCKET && (*vm).streams.active && stream::data(vm) {
            return;
        }
        lua_rawgeti(l, LUA_REGISTRYINDEX, (*vm).refs.protocols.into());
        if lua_rawgeti(l, -1, kind.number().into()) != LUA_TTABLE {
            return undispatched(vm, l);
        }
        if lua_getfield(l, -1, c"dispatch".as_ptr()) == LUA_TNIL {
            lua_pop(l, 1);
            return undispatched(vm, l);
        }
        let task = begin_request(vm, l);
        let thread = (*task).thread;
        lua_xmove(l, thread, 1);
        push_request_head(vm, thread);
        if (*vm).trace.enabled {
            trace::begin_request(vm, l, task);
        }
        let args = unpack_arguments(vm, l, thread);
        (*vm).starting = ptr::null_mut();
        (*vm).unheard = false;
        lua_settop(l, -3);
        Vm::run(vm, task, args + 2);
    }
}

/// A request of the protocol `lua` with native packing: no look at any table.
unsafe fn lua_request(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rules 1, 2 and 4.
    unsafe {
        let task = begin_request(vm, l);
        let thread = (*task).thread;
        lua_rawgeti(thread, LUA_REGISTRYINDEX, (*vm).lua_protocol.dispatch.into());
        push_request_head(vm, thread);
        if (*vm).trace.enabled {
            lua_rawgeti(l, LUA_REGISTRYINDEX, (*vm).refs.protocols.into());
            lua_rawgeti(l, -1, Kind::LUA.number().into());
            trace::begin_request(vm, l, task);
            lua_pop(l, 2);
        }
        let args = unpack_current(vm, thread);
        (*vm).starting = ptr::null_mut();
        (*vm).unheard = false;
        Vm::run(vm, task, args + 2);
    }
}

/// Takes a task for the current message. Until it runs, `starting` hands it over to
/// `dispatch_failed` should anything raise.
unsafe fn begin_request(vm: *mut Vm, l: *mut lua_State) -> *mut Task {
    // SAFETY: rules 1 and 2.
    unsafe {
        let task = Vm::take_task(vm, l);
        (*vm).starting = task;
        (*task).owes = Some((*vm).current.session);
        (*task).source = (*vm).current.source;
        (*task).kind = (*vm).current.kind;
        task
    }
}

/// Pushes session and source, the first two arguments of a dispatch function.
unsafe fn push_request_head(vm: *mut Vm, thread: *mut lua_State) {
    // SAFETY: rule 4.
    unsafe {
        lua_pushinteger(thread, (*vm).current.session.number().into());
        lua_pushinteger(thread, (*vm).current.source.bits().into());
    }
}

/// Unpacks the payload onto the task's stack with the protocol on top of `l`.
unsafe fn unpack_arguments(vm: *mut Vm, l: *mut lua_State, thread: *mut lua_State) -> c_int {
    // SAFETY: rules 1, 2 and 4.
    unsafe {
        lua_getfield(l, -1, c"unpack".as_ptr());
        if is_native(l, -1, UNPACK) {
            lua_pop(l, 1);
            return unpack_current(vm, thread);
        }
        let base = lua_gettop(l) - 1;
        lua_pushlightuserdata(l, (*vm).current.start.cast());
        lua_pushinteger(l, (*vm).current.len as lua_Integer);
        lua_call(l, 2, LUA_MULTRET);
        let values = lua_gettop(l) - base;
        if ffi::lua_checkstack(thread, values) == 0 {
            ffi::lua_pushstring(l, c"stack overflow (too many values in a message)".as_ptr());
            raise_top(l);
        }
        lua_xmove(l, thread, values);
        values
    }
}

/// Unpacks the current message onto a stack, taking its block over where that saves a copy.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn unpack_current(vm: *mut Vm, l: *mut lua_State) -> c_int {
    // SAFETY: as the caller's; an owned block came from the C heap with a NUL behind it.
    unsafe {
        let Current { start, len, .. } = (*vm).current;
        if start.is_null() {
            return 0;
        }
        if !ptr::eq(start, (*vm).block) {
            return seri::unpack(l, start, len);
        }
        let (values, taken) = seri::unpack_owned(l, start, len);
        if taken {
            // The string may die before the message is done: nobody may look at it again.
            (*vm).block = ptr::null_mut();
            (*vm).current.start = ptr::null_mut();
        }
        values
    }
}

/// A message without a protocol or dispatch function. The stack holds the protocols and what was
/// found.
unsafe fn undispatched(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rules 1 and 2.
    unsafe {
        let Current { kind, session, source, .. } = (*vm).current;
        match kind {
            // The calls that fail go on when the forks of this message would.
            Kind::ERROR => error_message(vm, session.number(), source),
            Kind::TRACE => trace::announce(vm),
            _ if std::mem::take(&mut (*vm).unheard) => post_error(vm, source, session),
            _ => {
                if kind == Kind::SOCKET && (*vm).refs.unknown_request == 0 {
                    stream::discard_current(vm);
                }
                unknown_request(vm, l);
            }
        }
        lua_settop(l, 0);
    }
}
