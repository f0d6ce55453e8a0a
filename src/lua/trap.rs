//! Reaching Lua code that runs, from another thread: breaking it (signal 0, spec: runtime section
//! 9.7, and the time limit of messages), and asking it where it is (the monitor's report).
//!
//! Lua allows one thing from a POSIX signal handler on the thread that runs it: setting a hook. So
//! the sender of a service signal asks the kernel to run our handler on the worker that runs the
//! service; the handler finds the service in a thread-local and sets a hook on the Lua thread that
//! runs right now; the hook raises an error, or describes the stack and goes on.
//!
//! A service that runs nothing is not interrupted: a trap that finds it idle is dropped. Code that
//! is in a C function is reached when it comes back to Lua.
//!
//! *State* of `wanted`: what the next hook does, any of
//!
//! | bit | meaning | set by | cleared by |
//! |---|---|---|---|
//! | `BREAK` | raise `signal 0` | `interrupt` | the hook, `begin` |
//! | `LIMIT` | raise that the message ran for too long | `interrupt_after` | the hook, `begin` |
//! | `DESCRIBE` | describe the stack | `describe` | the hook, `begin` |
//!
//! A hook that user code has set on the thread is put back when ours is done.

use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::fmt::Write;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, Once, PoisonError};
use std::time::Duration;

use mlua::ffi::{
    LUA_MASKCOUNT, lua_Debug, lua_State, lua_gethook, lua_gethookcount, lua_gethookmask,
    lua_getinfo, lua_getstack, lua_pushfstring, lua_sethook,
};

use super::error::{raise, raise_top};
use super::vm::{Vm, vm_of};
use crate::message::Kind;

const BREAK: u8 = 1;
const LIMIT: u8 = 2;
const DESCRIBE: u8 = 4;

/// How many frames a description shows.
const FRAMES_MAX: c_int = 20;

/// Ignored by default, and used by nothing else here: a stray one does no harm.
const SIGNAL: c_int = libc::SIGURG;

thread_local! {
    /// The service that this thread runs; null between messages.
    static RUNNING: Cell<*const Trap> = const { Cell::new(ptr::null()) };
}

/// What is known of a service while it runs.
pub(super) struct Trap {
    /// The Lua thread that runs.
    active: AtomicPtr<lua_State>,
    /// The worker's thread, 0 while the service is idle.
    worker: AtomicU64,
    /// What was asked for and has not happened.
    wanted: AtomicU8,
    /// The limit that `LIMIT` speaks of, in seconds.
    limit_seconds: AtomicU32,
    /// The hook that ours took the place of: function, mask and count. Only touched by the thread
    /// that runs the service, and its signal handler.
    hook: AtomicPtr<()>,
    hook_mask: AtomicI32,
    hook_count: AtomicI32,
    /// The last description.
    description: Mutex<Option<String>>,
    described: Condvar,
}

impl Trap {
    pub(super) fn new() -> Self {
        install_handler();
        Self {
            active: AtomicPtr::new(ptr::null_mut()),
            worker: AtomicU64::new(0),
            wanted: AtomicU8::new(0),
            limit_seconds: AtomicU32::new(0),
            hook: AtomicPtr::new(ptr::null_mut()),
            hook_mask: AtomicI32::new(0),
            hook_count: AtomicI32::new(0),
            description: Mutex::new(None),
            described: Condvar::new(),
        }
    }

    /// This thread begins to run the service.
    pub(super) fn begin(&self, main: *mut lua_State) {
        self.wanted.store(0, Ordering::Relaxed);
        self.active.store(main, Ordering::Relaxed);
        RUNNING.set(self);
        // SAFETY: pthread_self has no precondition.
        let own = unsafe { libc::pthread_self() };
        // Release: whoever reads the thread's id in `interrupt` reaches a thread that has set
        // RUNNING; the handler itself runs on this thread and sees everything in order.
        self.worker.store(own as u64, Ordering::Release);
    }

    /// This thread is done with the service's message.
    pub(super) fn end(&self) {
        self.worker.store(0, Ordering::Relaxed);
        RUNNING.set(ptr::null());
    }

    /// Another Lua thread of the service runs from now on.
    pub(super) fn enter(&self, thread: *mut lua_State) -> *mut lua_State {
        // Relaxed: read by the handler on this very thread.
        let before = self.active.load(Ordering::Relaxed);
        self.active.store(thread, Ordering::Relaxed);
        if self.wanted.load(Ordering::Relaxed) != 0 {
            self.arm();
        }
        before
    }

    /// Breaks the Lua code that runs, if any does. Called on any thread.
    pub(super) fn interrupt(&self) {
        self.want(BREAK);
    }

    /// Breaks the Lua code that runs because it may run for `limit` only.
    pub(super) fn interrupt_after(&self, limit: Duration) {
        self.limit_seconds.store(limit.as_secs() as u32, Ordering::Relaxed);
        self.want(LIMIT);
    }

    /// Asks the Lua code that runs where it is; nothing when it does not come by in time.
    pub(super) fn describe(&self, patience: Duration) -> Option<String> {
        let mut description = self.description.lock().unwrap_or_else(PoisonError::into_inner);
        *description = None;
        if !self.want(DESCRIBE) {
            return None;
        }
        let (mut description, _) = self
            .described
            .wait_timeout_while(description, patience, |description| description.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        description.take()
    }

    /// Asks for something. Returns whether the service runs.
    fn want(&self, what: u8) -> bool {
        // Acquire: pairs with `begin`.
        let worker = self.worker.load(Ordering::Acquire);
        if worker == 0 {
            return false;
        }
        if self.wanted.fetch_or(what, Ordering::Relaxed) & what == 0 {
            // SAFETY: the id is that of a worker thread, which lives as long as the node, and a
            // service is only signalled while its node lives. Should the worker have moved on to
            // another service, that one has nothing pending and the handler does nothing.
            unsafe { libc::pthread_kill(worker as libc::pthread_t, SIGNAL) };
        }
        true
    }

    /// Sets the hook on the Lua thread that runs, and keeps what was there.
    fn arm(&self) {
        let active = self.active.load(Ordering::Relaxed);
        if active.is_null() {
            return;
        }
        // SAFETY: the thread is live while the service runs, and this is the OS thread that runs
        // it: its hook may be read and set there at any time, even in a signal handler.
        unsafe {
            let before = lua_gethook(active);
            if before.is_none_or(|before| !ptr::fn_addr_eq(before, hook as LuaHook)) {
                let function = before.map_or(ptr::null_mut(), |before| before as *mut ());
                self.hook.store(function, Ordering::Relaxed);
                self.hook_mask.store(lua_gethookmask(active), Ordering::Relaxed);
                self.hook_count.store(lua_gethookcount(active), Ordering::Relaxed);
            }
            lua_sethook(active, Some(hook), LUA_MASKCOUNT, 1);
        }
    }

    /// Puts the hook back that was there before ours.
    unsafe fn disarm(&self, l: *mut lua_State) {
        // SAFETY: the pointer is null or was a hook function.
        unsafe {
            let function = self.hook.swap(ptr::null_mut(), Ordering::Relaxed);
            let function: Option<LuaHook> = std::mem::transmute::<*mut (), _>(function);
            let mask = self.hook_mask.load(Ordering::Relaxed);
            lua_sethook(l, function, mask, self.hook_count.load(Ordering::Relaxed));
        }
    }
}

type LuaHook = unsafe extern "C-unwind" fn(*mut lua_State, *mut lua_Debug);

/// Runs inside of Lua at the next instruction.
unsafe extern "C-unwind" fn hook(l: *mut lua_State, _info: *mut lua_Debug) {
    // SAFETY: Lua calls this in a live Vm; nothing is owned when it raises.
    unsafe {
        let vm = vm_of(l);
        let trap: &Trap = &(*vm).trap;
        trap.disarm(l);
        // A hook may be left over from a message that ended before it ran: then nothing is wanted.
        let wanted = trap.wanted.swap(0, Ordering::Relaxed);
        if wanted & DESCRIBE != 0 {
            describe(vm, l);
        }
        if wanted & LIMIT != 0 {
            let seconds = trap.limit_seconds.load(Ordering::Relaxed);
            let format = c"interrupted: a message may run for %d s (message_limit)";
            lua_pushfstring(l, format.as_ptr(), seconds as c_int);
            raise_top(l);
        }
        if wanted & BREAK != 0 {
            raise(l, c"signal 0");
        }
    }
}

/// Describes the message and the stack to the thread that has asked. Raises nothing.
unsafe fn describe(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rule 1; the functions called here allocate nothing in Lua.
    unsafe {
        let mut text = format!(", type {}, in", kind_name((*vm).current.kind));
        let mut frame: lua_Debug = std::mem::zeroed();
        let mut level = 0;
        while level < FRAMES_MAX && lua_getstack(l, level, &mut frame) != 0 {
            lua_getinfo(l, c"Sln".as_ptr(), &mut frame);
            write_frame(&mut text, &frame);
            level += 1;
        }
        if lua_getstack(l, level, &mut frame) != 0 {
            text.push_str("\n\t...");
        }
        let trap: &Trap = &(*vm).trap;
        *trap.description.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        trap.described.notify_all();
    }
}

/// Writes a frame as Lua's own tracebacks show it.
unsafe fn write_frame(text: &mut String, frame: &lua_Debug) {
    // SAFETY: lua_getinfo has filled the fields with C strings.
    unsafe {
        let source = CStr::from_ptr(frame.short_src.as_ptr()).to_string_lossy();
        // Writing to a string does not fail.
        let _ = match frame.currentline {
            line if line > 0 => write!(text, "\n\t{source}:{line}: in "),
            _ => write!(text, "\n\t{source}: in "),
        };
        let what = CStr::from_ptr(frame.what);
        let _ = match (frame.name.is_null(), what == c"main", what == c"C") {
            (false, ..) => {
                let name = CStr::from_ptr(frame.name).to_string_lossy();
                let kind = CStr::from_ptr(frame.namewhat).to_string_lossy();
                write!(text, "{kind} '{name}'")
            }
            (_, true, _) => write!(text, "main chunk"),
            (_, _, true) => write!(text, "?"),
            _ => write!(text, "function <{source}:{}>", frame.linedefined),
        };
    }
}

/// Returns the name of the protocol that a kind has by default.
fn kind_name(kind: Kind) -> String {
    let names = [
        "text",
        "response",
        "multicast",
        "client",
        "system",
        "harbor",
        "socket",
        "error",
        "queue",
        "debug",
        "lua",
        "snax",
        "trace",
    ];
    match names.get(usize::from(kind.number())) {
        Some(name) => (*name).to_owned(),
        None => kind.number().to_string(),
    }
}

extern "C" fn on_signal(_number: c_int) {
    let running = RUNNING.get();
    if running.is_null() {
        return;
    }
    // SAFETY: RUNNING is set while the service's Vm, which holds the trap, runs on this thread.
    let trap = unsafe { &*running };
    if trap.wanted.load(Ordering::Relaxed) != 0 {
        trap.arm();
    }
}

fn install_handler() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: the action is fully initialised; the handler only touches a thread-local of
        // plain words, atomics, and lua_sethook, which Lua allows in handlers.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_signal as *const () as usize;
            action.sa_flags = libc::SA_RESTART;
            libc::sigemptyset(&mut action.sa_mask);
            libc::sigaction(SIGNAL, &action, ptr::null_mut());
        }
    });
}
