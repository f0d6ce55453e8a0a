//! The module `skynet.debugchannel`: a byte channel between two services, and hooks that stop a
//! coroutine. For the debugger only (`skynet.remotedebug`, `debug_agent`). Lua API 6.5.
//!
//! The writing end makes the channel and hands a raw pointer to the reading end, which takes its
//! share with `connect`. Each end is a userdata that owns one count of an `Arc`.
//!
//! Invariant: the pointer of `create` is good for one `connect` while the end that made it lives;
//! the second one finds `connected` set. (A pointer that no `create` gave is the user's bug.)

use std::collections::VecDeque;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use mlua::ffi::{
    self, LUA_REGISTRYINDEX, LUA_TFUNCTION, lua_Debug, lua_State, lua_createtable, lua_getinfo,
    lua_isnoneornil, lua_isyieldable, lua_newuserdatauv, lua_pop, lua_pushinteger,
    lua_pushlightuserdata, lua_pushlstring, lua_pushnil, lua_pushstring, lua_pushthread,
    lua_pushvalue, lua_rawget, lua_rawgetp, lua_rawset, lua_rawsetp, lua_setfield, lua_sethook,
    lua_setmetatable, lua_settop, lua_toboolean, lua_tothread, lua_touserdata, lua_yield,
    luaL_checklstring, luaL_checktype, luaL_checkudata, luaL_newmetatable, luaL_optinteger,
};

use super::error::raise;
use super::native::set_functions;

const METATABLE: &std::ffi::CStr = c"skynet.debugchannel";

/// The unit of `read`'s timeout.
const TENTH: Duration = Duration::from_millis(100);

/// The key (by its address) of the table thread -> function of hooks, in the registry.
static HOOKS: u8 = 0;

#[derive(Default)]
struct Channel {
    connected: AtomicBool,
    texts: Mutex<VecDeque<Box<[u8]>>>,
    arrived: Condvar,
}

impl Channel {
    fn write(&self, text: &[u8]) {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.push_back(text.into());
        self.arrived.notify_one();
    }

    fn read(&self, patience: Duration) -> Option<Box<[u8]>> {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut texts, _) = self
            .arrived
            .wait_timeout_while(texts, patience, |texts| texts.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        texts.pop_front()
    }
}

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        if luaL_newmetatable(l, METATABLE.as_ptr()) != 0 {
            lua_pushvalue(l, -1);
            lua_setfield(l, -2, c"__index".as_ptr());
            set_functions(l, &[(c"write", write), (c"read", read), (c"__gc", collect)]);
        }
        lua_createtable(l, 0, 3);
        set_functions(l, &[(c"create", create), (c"connect", connect), (c"sethook", sethook)]);
        1
    }
}

/// Pushes an end of a channel, without a channel yet.
unsafe fn push_end(l: *mut lua_State) -> *mut *const Channel {
    // SAFETY: rule 2: nothing is owned while this may raise.
    unsafe {
        let end = lua_newuserdatauv(l, size_of::<*const Channel>(), 0).cast::<*const Channel>();
        *end = std::ptr::null();
        ffi::luaL_setmetatable(l, METATABLE.as_ptr());
        end
    }
}

/// `create()`: the writing end, and the pointer for `connect`.
unsafe extern "C-unwind" fn create(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the end owns the count from the start.
    unsafe {
        let end = push_end(l);
        let channel = Arc::into_raw(Arc::<Channel>::default());
        *end = channel;
        lua_pushlightuserdata(l, channel.cast_mut().cast());
        2
    }
}

/// `connect(pointer)`: the reading end.
unsafe extern "C-unwind" fn connect(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with a pointer from `create`, whose end lives.
    unsafe {
        let channel = lua_touserdata(l, 1).cast::<Channel>().cast_const();
        if channel.is_null() {
            raise(l, c"Invalid channel pointer");
        }
        let end = push_end(l);
        // Relaxed: the flag orders nothing, the texts have a lock.
        if (*channel).connected.swap(true, Ordering::Relaxed) {
            raise(l, c"new channel failed");
        }
        Arc::increment_strong_count(channel);
        *end = channel;
        1
    }
}

/// Returns the channel of the end at 1.
unsafe fn channel_of<'a>(l: *mut lua_State) -> &'a Channel {
    // SAFETY: the userdata is one of ours and stays on the stack; it owns a count until `collect`.
    unsafe {
        let end = luaL_checkudata(l, 1, METATABLE.as_ptr()).cast::<*const Channel>();
        if (*end).is_null() {
            raise(l, c"the channel is closed");
        }
        &**end
    }
}

/// `channel:write(text)`.
unsafe extern "C-unwind" fn write(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the text stays on the stack.
    unsafe {
        let channel = channel_of(l);
        let mut len = 0;
        let text = luaL_checklstring(l, 2, &mut len);
        channel.write(std::slice::from_raw_parts(text.cast(), len));
        0
    }
}

/// `channel:read([timeout])`: the next text, or nothing after so many tenths of a second.
unsafe extern "C-unwind" fn read(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. Running out of memory while the text is pushed leaks it.
    unsafe {
        let channel = channel_of(l);
        let tenths = luaL_optinteger(l, 2, 0).clamp(0, u32::MAX.into()) as u32;
        match channel.read(TENTH * tenths) {
            Some(text) => {
                lua_pushlstring(l, text.as_ptr().cast(), text.len());
                1
            }
            None => 0,
        }
    }
}

unsafe extern "C-unwind" fn collect(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with an end; its count is given back once.
    unsafe {
        let end = lua_touserdata(l, 1).cast::<*const Channel>();
        let channel = std::mem::replace(&mut *end, std::ptr::null());
        if !channel.is_null() {
            drop(Arc::from_raw(channel));
        }
        0
    }
}

/// `sethook([co,] f, mask [, count])`: as `debug.sethook`, but the coroutine yields without values
/// when `f(event, line)` returns true. Without a function the hook is removed.
unsafe extern "C-unwind" fn sethook(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let given = lua_tothread(l, 1);
        let (target, f) = if given.is_null() { (l, 1) } else { (given, 2) };
        lua_settop(l, f + 2);
        push_hooks(l);
        if given.is_null() {
            lua_pushthread(l);
        } else {
            lua_pushvalue(l, 1);
        }
        if lua_isnoneornil(l, f) != 0 {
            lua_pushnil(l);
            lua_rawset(l, -3);
            lua_sethook(target, None, 0, 0);
            return 0;
        }
        luaL_checktype(l, f, LUA_TFUNCTION);
        let mut len = 0;
        let mask = luaL_checklstring(l, f + 1, &mut len);
        let count = luaL_optinteger(l, f + 2, 0) as c_int;
        let mask = mask_of(std::slice::from_raw_parts(mask.cast(), len), count);
        lua_pushvalue(l, f);
        lua_rawset(l, -3);
        lua_sethook(target, Some(hook), mask, count);
        0
    }
}

fn mask_of(letters: &[u8], count: c_int) -> c_int {
    let bit = |letter, bit| if letters.contains(&letter) { bit } else { 0 };
    bit(b'c', ffi::LUA_MASKCALL)
        | bit(b'r', ffi::LUA_MASKRET)
        | bit(b'l', ffi::LUA_MASKLINE)
        | if count > 0 { ffi::LUA_MASKCOUNT } else { 0 }
}

/// Pushes the table thread -> function, whose keys are weak.
unsafe fn push_hooks(l: *mut lua_State) {
    // SAFETY: rule 4; the address is a key, nothing is read behind it.
    unsafe {
        let key = (&raw const HOOKS).cast::<c_void>();
        if lua_rawgetp(l, LUA_REGISTRYINDEX, key) == ffi::LUA_TTABLE {
            return;
        }
        lua_pop(l, 1);
        lua_createtable(l, 0, 1);
        lua_createtable(l, 0, 1);
        lua_pushstring(l, c"k".as_ptr());
        lua_setfield(l, -2, c"__mode".as_ptr());
        lua_setmetatable(l, -2);
        lua_pushvalue(l, -1);
        lua_rawsetp(l, LUA_REGISTRYINDEX, key);
    }
}

/// Calls the thread's function, and yields when it says so.
unsafe extern "C-unwind" fn hook(l: *mut lua_State, event: *mut lua_Debug) {
    // SAFETY: Lua calls this with the thread's own event; nothing is owned. A hook may yield
    // without values in line and count events, and does so as its last act.
    unsafe {
        // Where no yield is possible, as below a C function, nothing stops.
        if lua_isyieldable(l) == 0 {
            return;
        }
        let names = [c"call", c"return", c"line", c"count", c"tail call"];
        push_hooks(l);
        lua_pushthread(l);
        if lua_rawget(l, -2) != LUA_TFUNCTION {
            lua_pop(l, 2);
            return;
        }
        let number = (*event).event;
        let name = names.get(number as usize).copied().unwrap_or(c"count");
        lua_pushstring(l, name.as_ptr());
        match number {
            ffi::LUA_HOOKLINE => {
                lua_getinfo(l, c"l".as_ptr(), event);
                lua_pushinteger(l, (*event).currentline.into());
            }
            _ => lua_pushnil(l),
        }
        ffi::lua_call(l, 2, 1);
        let stop = lua_toboolean(l, -1) != 0;
        lua_pop(l, 2);
        if stop && (number == ffi::LUA_HOOKLINE || number == ffi::LUA_HOOKCOUNT) {
            lua_yield(l, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_their_order() {
        let channel = Channel::default();
        channel.write(b"one");
        channel.write(b"");
        assert_eq!(channel.read(Duration::ZERO).as_deref(), Some(&b"one"[..]));
        assert_eq!(channel.read(Duration::ZERO).as_deref(), Some(&b""[..]));
        assert_eq!(channel.read(Duration::ZERO), None);
    }

    #[test]
    fn masks_are_those_of_lua() {
        assert_eq!(mask_of(b"lr", 0), ffi::LUA_MASKLINE | ffi::LUA_MASKRET);
        assert_eq!(mask_of(b"", 5), ffi::LUA_MASKCOUNT);
    }
}
