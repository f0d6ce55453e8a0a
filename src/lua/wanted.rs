//! How many results the caller of a C function wants.
//!
//! `skynet.timeout` returns its coroutine, which nearly nobody looks at. When the caller wants no
//! result, the coroutine need not exist before the timeout expires; with hundreds of thousands of
//! timeouts that is most of their memory. Lua's API does not tell, but its call record knows.
//!
//! The record's layout is private to Lua, so it is compared with calls of known kinds first, once
//! a process. When it does not agree, every caller counts as one that wants results.

use std::ffi::c_int;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};

use mlua::ffi::{self, LUA_OK, lua_State};

/// The fields of a Lua thread in front of its call record; the same in Lua 5.4 and 5.5.
#[repr(C)]
struct Thread {
    header: [u8; 16],
    top: usize,
    global: usize,
    call: *const Call,
}

/// A call record of Lua 5.5: the low byte of the status is the number of results plus one.
#[cfg(feature = "lua55")]
#[repr(C)]
struct Call {
    links: [usize; 4],
    details: [usize; 3],
    values: c_int,
    status: u32,
}

/// A call record of Lua 5.4.
#[cfg(not(feature = "lua55"))]
#[repr(C)]
struct Call {
    links: [usize; 4],
    details: [usize; 3],
    values: c_int,
    results: i16,
    status: u16,
}

impl Call {
    #[cfg(feature = "lua55")]
    fn wanted(&self) -> c_int {
        (self.status & 0xff) as c_int - 1
    }

    #[cfg(not(feature = "lua55"))]
    fn wanted(&self) -> c_int {
        self.results.into()
    }
}

/// Tells whether the caller of the running C function takes no result.
///
/// # Safety
/// `l` runs a C function that Lua code called.
pub(super) unsafe fn nothing_wanted(l: *mut lua_State) -> bool {
    // SAFETY: as the caller's; `read` needs a layout that was compared.
    *TRUSTED.get_or_init(probe) && unsafe { read(l) } == 0
}

/// # Safety
/// `l` is live and runs a C function, and `Thread` and `Call` mirror its layout.
unsafe fn read(l: *mut lua_State) -> c_int {
    // SAFETY: as the caller's.
    unsafe { (*(*l.cast::<Thread>()).call).wanted() }
}

static TRUSTED: OnceLock<bool> = OnceLock::new();

/// What the probe's function saw at its last call.
static SEEN: AtomicI32 = AtomicI32::new(c_int::MIN);

/// Calls a function in the four ways that matter and compares. A thread record is larger than the
/// mirror in every release of 5.4 and 5.5, so reading the pointer to the call record is sound; it
/// is followed only when it points near the state, as the first record lies inside of it.
fn probe() -> bool {
    const CHUNK: &std::ffi::CStr = c"local look, saw = ...
        look() if saw() ~= 0 then return false end
        local a = look() if saw() ~= 1 then return false end
        local a, b = look() if saw() ~= 2 then return false end
        local t = {look()} if saw() ~= -1 then return false end
        return true";
    // SAFETY: the state is fresh and closed at the end; what may raise is protected.
    unsafe {
        let l = ffi::luaL_newstate();
        if l.is_null() {
            return false;
        }
        let first = (*l.cast::<Thread>()).call.addr();
        let inside = first > l.addr() && first - l.addr() < 1024;
        let mut agreed = false;
        if inside && ffi::luaL_loadstring(l, CHUNK.as_ptr()) == LUA_OK {
            ffi::lua_pushcclosure(l, look, 0);
            ffi::lua_pushcclosure(l, saw, 0);
            agreed =
                ffi::lua_pcallk(l, 2, 1, 0, 0, None) == LUA_OK && ffi::lua_toboolean(l, -1) != 0;
        }
        ffi::lua_close(l);
        agreed
    }
}

unsafe extern "C-unwind" fn look(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the probe found the call record where the mirror says. Relaxed: one
    // thread probes at a time.
    SEEN.store(unsafe { read(l) }, Ordering::Relaxed);
    0
}

unsafe extern "C-unwind" fn saw(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { ffi::lua_pushinteger(l, SEEN.load(Ordering::Relaxed).into()) };
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_agrees_with_the_lua_of_this_build() {
        assert!(*TRUSTED.get_or_init(probe));
    }
}
