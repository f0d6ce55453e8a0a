//! Blocks that change hands, and allocators that refuse.

use std::cell::Cell;
use std::ffi::{CString, c_void};
use std::ptr;

use mlua::ffi;

use super::super::scratch::Scratch;
use super::super::{pack, unpack};
use super::{State, take_over};

#[test]
fn last_long_string_takes_the_block() {
    let state = State::new();
    let taken = cfg!(feature = "lua55");
    state.check(&format!(
        "local s = ('x'):rep(100000)
        local function packed(...) return take_over(skynet.pack(...)) end
        local taken, a, b = packed(1, s) assert(taken == {taken} and a == 1 and b == s)
        taken, a = packed(s) assert(taken == {taken} and a == s and #a == 100000)
        taken, a, b = packed(s, 1) assert(taken == false and a == s and b == 1)
        taken, a = packed({{s}}) assert(taken == false and a[1] == s)
        taken, a = packed('short') assert(taken == false and a == 'short')
        assert(packed() == false)
        a, b = nil collectgarbage() collectgarbage()"
    ));
}

// Lua 5.4 has no external strings: what it copies it counts itself, at its own pace.
#[cfg(feature = "lua55")]
#[test]
fn taken_blocks_count_for_the_collector() {
    let state = State::new();
    // 256 MiB pass through; a collector that felt 40 bytes a message would keep most of it.
    state.check(
        "local alive, died = 0, 0
        local s = ('x'):rep(1 << 18)
        for i = 1, 1024 do
            local _, text = take_over(skynet.pack(s))
            alive = alive + 1
            local sentinel = setmetatable({text}, {__gc = function() died = died + 1 end})
            text, sentinel = nil
            assert(alive - died < 256, alive - died)
        end",
    );
}

/// An allocator that refuses after a number of allocations.
struct Scarce {
    left: Cell<u32>,
    inner: ffi::lua_Alloc,
    inner_data: *mut c_void,
}

unsafe extern "C" fn scarce(
    data: *mut c_void,
    block: *mut c_void,
    old: usize,
    new: usize,
) -> *mut c_void {
    // SAFETY: `data` is the `Scarce` that the test keeps alive; the rest goes to Lua's allocator.
    unsafe {
        let scarce = &*data.cast::<Scarce>();
        if new > 0 && (block.is_null() || new > old) {
            if scarce.left.get() == 0 {
                return ptr::null_mut();
            }
            scarce.left.set(scarce.left.get() - 1);
        }
        (scarce.inner)(scarce.inner_data, block, old, new)
    }
}

/// Runs `code` on `bytes` with 0, 1, 2 and more allocations until it succeeds; each failure must be
/// a memory error that leaves the thread's buffer in its place.
fn survives_scarcity(code: &str, bytes: &[u8]) {
    for allocations in 0..10_000 {
        let state = State::new();
        let mut inner_data = ptr::null_mut();
        // SAFETY: the state is live; its allocator is wrapped and put back.
        let result = unsafe {
            let inner = ffi::lua_getallocf(state.0, &mut inner_data);
            let code = CString::new(code).expect("no NUL");
            assert_eq!(ffi::luaL_loadstring(state.0, code.as_ptr()), ffi::LUA_OK);
            ffi::lua_pushlstring(state.0, bytes.as_ptr().cast(), bytes.len());
            let scarcity = Scarce { left: Cell::new(allocations), inner, inner_data };
            ffi::lua_setallocf(state.0, scarce, (&raw const scarcity).cast_mut().cast());
            let result = ffi::lua_pcall(state.0, 1, 0, 0);
            ffi::lua_setallocf(state.0, inner, inner_data);
            result
        };
        assert!(Scratch::take().capacity() > 0, "the buffer is back after {allocations}");
        if result == ffi::LUA_OK {
            return;
        }
        assert!(state.pop_text().contains("not enough memory"), "after {allocations}");
    }
    panic!("never succeeds: {code}");
}

#[test]
fn want_of_memory_leaks_nothing() {
    Scratch::take().nil().unwrap();
    let bytes = State::new()
        .run("return skynet.packstring({1, {x = ('a'):rep(100)}, y = {}}, ('b'):rep(5000), 'c')");
    let bytes = bytes.expect("packs");
    survives_scarcity("skynet.unpack(...)", &bytes);
    survives_scarcity("skynet.packstring(..., {...}, ...)", &bytes);
    survives_scarcity(
        "local t = setmetatable({}, {__pairs = function(t) return next, {x = t and {}} end})
        skynet.trash(skynet.pack(..., t, t))",
        &bytes,
    );
    survives_scarcity("skynet.trash(skynet.pack(setmetatable({}, {})))", &bytes);
}

#[test]
fn block_stays_the_callers_when_its_string_cannot_be_made() {
    let state = State::new();
    let mut inner_data = ptr::null_mut();
    // SAFETY: the state is live, the block is a packed message, and the allocator is put back.
    unsafe {
        let l = state.0;
        ffi::lua_pushcfunction(l, take_over);
        state.check("text = ('x'):rep(50000)");
        ffi::lua_getglobal(l, c"text".as_ptr());
        let packed = pack(l, ffi::lua_gettop(l));
        ffi::lua_settop(l, -2);
        ffi::lua_pushlightuserdata(l, packed.ptr.cast());
        ffi::lua_pushinteger(l, packed.len as i64);
        let inner = ffi::lua_getallocf(l, &mut inner_data);
        let scarcity = Scarce { left: Cell::new(0), inner, inner_data };
        ffi::lua_setallocf(l, scarce, (&raw const scarcity).cast_mut().cast());
        assert_eq!(ffi::lua_pcall(l, 2, 0, 0), ffi::LUA_ERRMEM);
        ffi::lua_setallocf(l, inner, inner_data);
        ffi::lua_settop(l, 0);
        // The bytes can still be read, and the block can be freed: nobody else did.
        assert_eq!(unpack(l, packed.ptr, packed.len), 1);
        ffi::lua_getglobal(l, c"text".as_ptr());
        assert_eq!(ffi::lua_rawequal(l, -1, -2), 1);
        libc::free(packed.ptr.cast());
    }
}
