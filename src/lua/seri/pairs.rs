//! The parts of packing that may run Lua code or raise: `__pairs`, and protected calls.
//!
//! Everything here keeps rule 1 of the folder: what may raise runs inside `lua_pcall`, and a
//! raised error comes back as [`Failure::Raised`] with its object, unchanged, on the stack.
//!
//! Lua code may change or drop any value, so before it runs the packer copies the strings it only
//! noted ([`Packer::settle`]) and counts the call ([`Packer::calls`]).

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use mlua::ffi::{self, lua_CFunction, lua_State};

use super::pack::{Failure, Packer};

/// Its address is the registry key under which a state keeps the string "__pairs". Making that
/// string anew for each table could raise for want of memory; fetching it cannot.
static PAIRS_KEY: u8 = 0;

fn pairs_key() -> *const c_void {
    (&raw const PAIRS_KEY).cast()
}

impl Packer {
    /// Replaces the metatable at `slot`, the top, by its `__pairs` field; false, and the slot is
    /// dropped, when it has none.
    pub(super) unsafe fn replace_by_pairs(&mut self, slot: c_int) -> Result<bool, Failure> {
        let l = self.l;
        // SAFETY: the state is live, and `table` checked the slots; a raw access with a string key
        // neither raises nor allocates.
        unsafe {
            self.push_pairs_name()?;
            let found = ffi::lua_rawget(l, slot) != ffi::LUA_TNIL;
            if found {
                ffi::lua_copy(l, slot + 1, slot);
            }
            ffi::lua_settop(l, if found { slot } else { slot - 1 });
            Ok(found)
        }
    }

    unsafe fn push_pairs_name(&mut self) -> Result<(), Failure> {
        let l = self.l;
        // SAFETY: the state is live, and `table` checked the slots.
        unsafe {
            if ffi::lua_rawgetp(l, ffi::LUA_REGISTRYINDEX, pairs_key()) == ffi::LUA_TSTRING {
                return Ok(());
            }
            ffi::lua_settop(l, -2);
            self.call_protected(intern_pairs_name, ptr::null_mut(), 0, 1)
        }
    }

    /// Writes the table at `index` as its `__pairs` function, which is at `top + 1`, gives it.
    ///
    /// Slots above `top`: iterator, state, control, and while a pair is written key and value.
    pub(super) unsafe fn table_by_pairs(
        &mut self,
        index: c_int,
        top: c_int,
        depth: u32,
    ) -> Result<(), Failure> {
        let (control, key, value) = (top + 3, top + 4, top + 5);
        let l = self.l;
        // SAFETY: the state is live, and `table` checked the slots.
        unsafe {
            self.out.table(0)?;
            ffi::lua_pushvalue(l, index);
            self.call_lua(1, 3)?;
            while self.step(top)? {
                self.value(key, value, depth)?;
                self.value(value, value, depth)?;
                ffi::lua_copy(l, key, control);
                ffi::lua_settop(l, control);
            }
            ffi::lua_settop(l, top);
        }
        Ok(self.out.nil()?)
    }

    /// Calls the iterator above `top` and leaves its key and value; false at the end.
    unsafe fn step(&mut self, top: c_int) -> Result<bool, Failure> {
        let l = self.l;
        // SAFETY: the state is live, and `table` checked the slots.
        unsafe {
            ffi::lua_pushvalue(l, top + 1);
            ffi::lua_pushvalue(l, top + 2);
            ffi::lua_pushvalue(l, top + 3);
            self.call_lua(2, 2)?;
            Ok(ffi::lua_type(l, top + 4) != ffi::LUA_TNIL)
        }
    }

    /// Calls Lua code. It cannot yield: this is a C call to it.
    unsafe fn call_lua(&mut self, arguments: c_int, results: c_int) -> Result<(), Failure> {
        // SAFETY: the noted strings are alive until the call below.
        unsafe { self.settle()? };
        self.calls = self.calls.wrapping_add(1);
        self.plain = ptr::null();
        // SAFETY: the state is live, and the function with its arguments is on the stack.
        unsafe { protect(self.l, arguments, results) }
    }

    /// As `lua_next`, when Lua code ran since the iteration began and may have removed the key.
    #[cold]
    pub(super) unsafe fn next_protected(&mut self, index: c_int) -> Result<bool, Failure> {
        let l = self.l;
        // SAFETY: the state is live, and `table` checked the slots.
        unsafe {
            ffi::lua_pushvalue(l, index);
            ffi::lua_rotate(l, -2, 1);
            self.call_protected(next_pair, ptr::null_mut(), 2, 2)?;
            let more = ffi::lua_type(l, -2) != ffi::LUA_TNIL;
            if !more {
                ffi::lua_settop(l, -3);
            }
            Ok(more)
        }
    }

    /// Pushes a copy of the bytes as a Lua string.
    pub(super) unsafe fn push_string(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut text = Text { ptr: bytes.as_ptr().cast(), len: bytes.len() };
        // SAFETY: the state is live; `text` and its bytes outlive the call.
        unsafe { self.call_protected(push_text, (&raw mut text).cast(), 0, 1) }
    }

    /// Runs `function` on the topmost values and `argument`, which it finds on the top.
    unsafe fn call_protected(
        &mut self,
        function: lua_CFunction,
        argument: *mut c_void,
        values: c_int,
        results: c_int,
    ) -> Result<(), Failure> {
        let l = self.l;
        // SAFETY: the state is live, and the slots are there; a C function without upvalues and a
        // light userdata are pushed without allocating.
        unsafe {
            ffi::lua_pushcclosure(l, function, 0);
            ffi::lua_rotate(l, -values - 1, 1);
            ffi::lua_pushlightuserdata(l, argument);
            protect(l, values + 1, results)
        }
    }
}

unsafe fn protect(l: *mut lua_State, arguments: c_int, results: c_int) -> Result<(), Failure> {
    // SAFETY: the caller put the function and its arguments on the stack of a live state.
    match unsafe { ffi::lua_pcallk(l, arguments, results, 0, 0, None) } {
        ffi::LUA_OK => Ok(()),
        _ => Err(Failure::Raised),
    }
}

/// Makes the string "__pairs", keeps it in the registry and returns it.
unsafe extern "C-unwind" fn intern_pairs_name(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls it with a live state and free slots; nothing here owns anything.
    unsafe {
        ffi::lua_pushstring(l, c"__pairs".as_ptr());
        ffi::lua_pushvalue(l, -1);
        ffi::lua_rawsetp(l, ffi::LUA_REGISTRYINDEX, pairs_key());
    }
    1
}

/// `next(table, key)`; the third argument is not used.
unsafe extern "C-unwind" fn next_pair(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls it with a live state and free slots; nothing here owns anything.
    unsafe {
        ffi::lua_settop(l, 2);
        if ffi::lua_next(l, 1) != 0 { 2 } else { 0 }
    }
}

/// The bytes that `push_text` copies.
struct Text {
    ptr: *const c_char,
    len: usize,
}

unsafe extern "C-unwind" fn push_text(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls it with a live state, free slots and a pointer to a live `Text`.
    unsafe {
        let text = ffi::lua_touserdata(l, 1).cast::<Text>();
        ffi::lua_pushlstring(l, (*text).ptr, (*text).len);
    }
    1
}
