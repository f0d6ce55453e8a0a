//! Interrupting Lua code from another thread (signal 0). Spec: runtime section 9.7.
//!
//! Lua allows one thing from a POSIX signal handler on the thread that runs it: setting a hook. So
//! the sender of a service signal asks the kernel to run our handler on the worker that runs the
//! service; the handler finds the service in a thread-local and sets a hook on the Lua thread that
//! runs right now; the hook raises the error `signal 0`.
//!
//! A service that runs nothing is not interrupted: a trap that finds it idle is dropped.

use std::cell::Cell;
use std::ffi::c_int;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

use mlua::ffi::{LUA_MASKCOUNT, lua_Debug, lua_State, lua_sethook};

use super::error::raise;
use super::vm::vm_of;

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
    /// An interruption was asked for and has not happened.
    pending: AtomicBool,
}

impl Trap {
    pub(super) fn new() -> Self {
        install_handler();
        Self {
            active: AtomicPtr::new(ptr::null_mut()),
            worker: AtomicU64::new(0),
            pending: AtomicBool::new(false),
        }
    }

    /// This thread begins to run the service.
    pub(super) fn begin(&self, main: *mut lua_State) {
        self.pending.store(false, Ordering::Relaxed);
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
        if self.pending.load(Ordering::Relaxed) {
            self.arm();
        }
        before
    }

    /// Interrupts the Lua code that runs, if any does. Called on any thread.
    pub(super) fn interrupt(&self) {
        // Acquire: pairs with `begin`.
        let worker = self.worker.load(Ordering::Acquire);
        if worker == 0 || self.pending.swap(true, Ordering::Relaxed) {
            return;
        }
        // SAFETY: the id is that of a worker thread, which lives as long as the node, and a
        // service is only signalled while its node lives. Should the worker have moved on to
        // another service, that one has nothing pending and the handler does nothing.
        unsafe { libc::pthread_kill(worker as libc::pthread_t, SIGNAL) };
    }

    /// Sets the hook on the Lua thread that runs.
    fn arm(&self) {
        let active = self.active.load(Ordering::Relaxed);
        if !active.is_null() {
            // SAFETY: the thread is live while the service runs, and this is the OS thread that
            // runs it: lua_sethook may be called there at any time, even in a signal handler.
            unsafe { lua_sethook(active, Some(hook), LUA_MASKCOUNT, 1) };
        }
    }
}

/// Runs inside of Lua at the next instruction.
unsafe extern "C-unwind" fn hook(l: *mut lua_State, _info: *mut lua_Debug) {
    // SAFETY: Lua calls this in a live Vm; nothing is owned.
    unsafe {
        lua_sethook(l, None, 0, 0);
        // A hook may be left over from a message that ended before it ran.
        let trap: &Trap = &(*vm_of(l)).trap;
        if trap.pending.swap(false, Ordering::Relaxed) {
            raise(l, c"signal 0");
        }
    }
}

extern "C" fn on_signal(_number: c_int) {
    let running = RUNNING.get();
    if running.is_null() {
        return;
    }
    // SAFETY: RUNNING is set while the service's Vm, which holds the trap, runs on this thread.
    let trap = unsafe { &*running };
    if trap.pending.load(Ordering::Relaxed) {
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
