//! Protocols: what a message type is called, how it is packed, who handles it. Lua API 4.1.

use std::ffi::{CStr, c_int};

use mlua::ffi::{
    self, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE, lua_CFunction, lua_Integer, lua_State,
    lua_createtable, lua_getfield, lua_getmetatable, lua_insert, lua_isnil, lua_pop,
    lua_pushboolean, lua_pushcfunction, lua_pushinteger, lua_pushstring, lua_pushvalue, lua_rawget,
    lua_rawgeti, lua_rawset, lua_rawseti, lua_setfield, lua_setmetatable, lua_settop,
    lua_tocfunction, lua_tointegerx, lua_tolstring, lua_type, luaL_checktype, luaL_optinteger,
    luaL_ref, luaL_unref,
};

use super::push_ref;
use crate::lua::dispatch::{dispatch_current, read_current};
use crate::lua::error::{raise, raise_top};
use crate::lua::failures::dispatch_error;
use crate::lua::seri;
use crate::lua::unhandled::{refuse_request, refuse_response};
use crate::lua::vm::{Vm, vm_of};
use crate::message::Kind;

/// The one address of the native pack function, to recognise it by.
pub(in crate::lua) static PACK: lua_CFunction = pack;
/// The one address of the native unpack function.
pub(in crate::lua) static UNPACK: lua_CFunction = unpack;

/// `skynet.pack(...)`.
pub(in crate::lua) unsafe extern "C-unwind" fn pack(l: *mut lua_State) -> c_int {
    // SAFETY: same contract.
    unsafe { seri::l_pack(l) }
}

/// `skynet.unpack(msg [, sz])`.
pub(in crate::lua) unsafe extern "C-unwind" fn unpack(l: *mut lua_State) -> c_int {
    // SAFETY: same contract.
    unsafe { seri::l_unpack(l) }
}

/// Tells whether the value at an index is one of the native functions above.
///
/// # Safety
/// `l` runs.
pub(in crate::lua) unsafe fn is_native(
    l: *mut lua_State,
    index: c_int,
    function: lua_CFunction,
) -> bool {
    // SAFETY: a plain API call.
    unsafe { lua_tocfunction(l, index) }.is_some_and(|found| found as usize == function as usize)
}

/// Makes the table of protocols with the built-in ones. Leaves it in the registry.
///
/// # Safety
/// `l` runs in a new state of `vm`.
pub(in crate::lua) unsafe fn create_table(l: *mut lua_State, vm: *mut Vm) {
    // SAFETY: as the caller's; nothing is owned.
    unsafe {
        lua_createtable(l, 12, 4);
        push_lua_protocol(l, vm);
        enter(l, c"lua", 10);
        lua_createtable(l, 0, 2);
        set_identity(l, c"response", 1);
        enter(l, c"response", 1);
        lua_createtable(l, 0, 3);
        set_identity(l, c"error", 7);
        lua_pushcfunction(l, pass_through);
        lua_setfield(l, -2, c"unpack".as_ptr());
        enter(l, c"error", 7);
        lua_createtable(l, 0, 5);
        set_identity(l, c"debug", 9);
        set_native_packing(l);
        lua_pushcfunction(l, debug_message);
        lua_setfield(l, -2, c"dispatch".as_ptr());
        enter(l, c"debug", 9);
        (*vm).refs.protocols = luaL_ref(l, ffi::LUA_REGISTRYINDEX);
    }
}

/// Pops a protocol and enters it into the table below under its name and number.
unsafe fn enter(l: *mut lua_State, name: &CStr, number: lua_Integer) {
    // SAFETY: rules 2 and 4.
    unsafe {
        lua_pushvalue(l, -1);
        lua_setfield(l, -3, name.as_ptr());
        lua_rawseti(l, -2, number);
    }
}

unsafe fn set_identity(l: *mut lua_State, name: &CStr, number: lua_Integer) {
    // SAFETY: rules 2 and 4.
    unsafe {
        lua_pushstring(l, name.as_ptr());
        lua_setfield(l, -2, c"name".as_ptr());
        lua_pushinteger(l, number);
        lua_setfield(l, -2, c"id".as_ptr());
    }
}

unsafe fn set_native_packing(l: *mut lua_State) {
    // SAFETY: rules 2 and 4.
    unsafe {
        lua_pushcfunction(l, PACK);
        lua_setfield(l, -2, c"pack".as_ptr());
        lua_pushcfunction(l, UNPACK);
        lua_setfield(l, -2, c"unpack".as_ptr());
    }
}

/// Pushes the protocol `lua`, through which nearly every message goes: an empty table whose
/// fields are in its metatable. So each change of a field comes by `lua_field_set`, and the
/// dispatcher knows without a look at any table whether packing is native and who dispatches.
unsafe fn push_lua_protocol(l: *mut lua_State, vm: *mut Vm) {
    // SAFETY: rules 1, 2 and 4. The name's string lives as long as the table of protocols.
    unsafe {
        lua_createtable(l, 0, 0);
        lua_createtable(l, 0, 7);
        set_identity(l, c"lua", 10);
        lua_getfield(l, -1, c"name".as_ptr());
        (*vm).lua_protocol.name = lua_tolstring(l, -1, std::ptr::null_mut());
        lua_pop(l, 1);
        set_native_packing(l);
        lua_pushvalue(l, -1);
        lua_setfield(l, -2, c"__index".as_ptr());
        lua_pushcfunction(l, lua_field_set);
        lua_setfield(l, -2, c"__newindex".as_ptr());
        lua_setmetatable(l, -2);
        (*vm).lua_protocol.plain = true;
    }
}

/// `__newindex` of the protocol `lua`.
unsafe extern "C-unwind" fn lua_field_set(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with the table, the key and the value; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        lua_settop(l, 3);
        lua_getmetatable(l, 1);
        lua_insert(l, 2);
        lua_rawset(l, 2);
        lua_getfield(l, 2, c"pack".as_ptr());
        lua_getfield(l, 2, c"unpack".as_ptr());
        (*vm).lua_protocol.plain = is_native(l, -2, PACK) && is_native(l, -1, UNPACK);
        luaL_unref(l, ffi::LUA_REGISTRYINDEX, (*vm).lua_protocol.dispatch);
        (*vm).lua_protocol.dispatch = ffi::LUA_NOREF;
        if lua_getfield(l, 2, c"dispatch".as_ptr()) != LUA_TNIL {
            (*vm).lua_protocol.dispatch = luaL_ref(l, ffi::LUA_REGISTRYINDEX);
        }
        0
    }
}

/// Tells whether the value at an index is the name of the protocol `lua`, with native packing.
///
/// # Safety
/// Rule 1.
pub(super) unsafe fn is_plain_lua(l: *mut lua_State, vm: *mut Vm, index: c_int) -> bool {
    // SAFETY: as the caller's. Short strings are unique, so their address says which one it is.
    unsafe {
        lua_type(l, index) == LUA_TSTRING
            && (*vm).lua_protocol.plain
            && lua_tolstring(l, index, std::ptr::null_mut()) == (*vm).lua_protocol.name
    }
}

/// The `unpack` of the `error` protocol: pointer and size, as they are.
unsafe extern "C-unwind" fn pass_through(l: *mut lua_State) -> c_int {
    // SAFETY: a plain API call.
    unsafe { ffi::lua_gettop(l) }
}

/// The dispatch function of the `debug` protocol: `skynet.debug` is loaded at its first message.
unsafe extern "C-unwind" fn debug_message(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with the message; nothing is owned.
    unsafe {
        ffi::lua_getglobal(l, c"require".as_ptr());
        lua_pushstring(l, c"skynet.debug".as_ptr());
        ffi::lua_call(l, 1, 1);
        lua_getfield(l, -1, c"dispatch".as_ptr());
        ffi::lua_replace(l, -2);
        ffi::lua_insert(l, 1);
        ffi::lua_callk(l, ffi::lua_gettop(l) - 1, 0, 0, Some(debug_done));
        0
    }
}

unsafe extern "C-unwind" fn debug_done(
    _l: *mut lua_State,
    _status: c_int,
    _context: ffi::lua_KContext,
) -> c_int {
    0
}

/// Pushes the table of protocols.
///
/// # Safety
/// Rule 1.
pub(super) unsafe fn push_table(l: *mut lua_State, vm: *mut Vm) {
    // SAFETY: as the caller's.
    unsafe { push_ref(l, (*vm).refs.protocols) };
}

/// Pushes the protocol whose name (or number) is at `index`. Raises when there is none.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn push_named(l: *mut lua_State, vm: *mut Vm, index: c_int) {
    // SAFETY: as the caller's; the index is positive, so pushes do not move it.
    unsafe {
        push_table(l, vm);
        lua_pushvalue(l, index);
        if lua_rawget(l, -2) != LUA_TTABLE {
            let name = ffi::luaL_tolstring(l, index, std::ptr::null_mut());
            ffi::lua_pushfstring(
                l,
                c"attempt to index a nil value (no protocol '%s')".as_ptr(),
                name,
            );
            raise_top(l);
        }
        ffi::lua_remove(l, -2);
    }
}

/// Returns the number of the protocol on top of the stack.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn number_of(l: *mut lua_State) -> crate::message::Kind {
    // SAFETY: as the caller's.
    unsafe {
        lua_getfield(l, -1, c"id".as_ptr());
        let number = lua_tointegerx(l, -1, std::ptr::null_mut());
        lua_pop(l, 1);
        crate::message::Kind::new(number as u8)
    }
}

/// `register_protocol(class)`.
pub(super) unsafe extern "C-unwind" fn register_protocol(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        luaL_checktype(l, 1, LUA_TTABLE);
        lua_settop(l, 1);
        push_table(l, vm);
        lua_getfield(l, 1, c"name".as_ptr());
        lua_getfield(l, 1, c"id".as_ptr());
        let fits = lua_type(l, 3) == LUA_TSTRING && lua_type(l, 4) == LUA_TNUMBER;
        let number = lua_tointegerx(l, 4, std::ptr::null_mut());
        if !fits || !(0..=255).contains(&number) || is_taken(l, number) {
            raise(l, c"assertion failed!");
        }
        lua_pushvalue(l, 1);
        lua_rawset_named(l);
        lua_pushvalue(l, 1);
        lua_rawseti(l, 2, number);
        lua_getfield(l, 1, c"trace".as_ptr());
        (*vm).trace.enabled |= lua_isnil(l, -1) == 0;
        0
    }
}

/// Sets the protocol on top under its name; the stack is class, table, name, id, class.
unsafe fn lua_rawset_named(l: *mut lua_State) {
    // SAFETY: rule 4.
    unsafe {
        lua_pushvalue(l, 3);
        ffi::lua_insert(l, -2);
        lua_rawset(l, 2);
    }
}

/// Tells whether the name at 3 or the number is registered in the table at 2.
unsafe fn is_taken(l: *mut lua_State, number: i64) -> bool {
    // SAFETY: rule 4.
    unsafe {
        lua_pushvalue(l, 3);
        let by_name = lua_rawget(l, 2);
        let by_number = lua_rawgeti(l, 2, number);
        lua_pop(l, 2);
        by_name != LUA_TNIL || by_number != LUA_TNIL
    }
}

/// `dispatch(typename [, f])`: returns the previous dispatch function.
pub(super) unsafe extern "C-unwind" fn dispatch(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        lua_settop(l, 2);
        if lua_isnil(l, 2) != 0 {
            push_table(l, vm);
            lua_pushvalue(l, 1);
            if lua_rawget(l, -2) == LUA_TTABLE {
                push_dispatch(l);
            }
            return 1;
        }
        push_named(l, vm, 1);
        push_dispatch(l);
        lua_pushvalue(l, 2);
        lua_setfield(l, -3, c"dispatch".as_ptr());
        1
    }
}

/// Pushes the dispatch function of the protocol on top of the stack. That of `error` is native
/// and in no table until somebody replaces it.
unsafe fn push_dispatch(l: *mut lua_State) {
    // SAFETY: rules 2 and 4.
    unsafe {
        if lua_getfield(l, -1, c"dispatch".as_ptr()) != LUA_TNIL {
            return;
        }
        lua_getfield(l, -2, c"id".as_ptr());
        let number = lua_tointegerx(l, -1, std::ptr::null_mut());
        lua_pop(l, 1);
        if number == i64::from(Kind::ERROR.number()) {
            lua_pop(l, 1);
            lua_pushcfunction(l, dispatch_error);
        }
    }
}

/// `dispatch_unknown_request(f)`: returns the previous handler.
pub(super) unsafe extern "C-unwind" fn dispatch_unknown_request(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm; nothing is owned.
    unsafe { replace_handler(l, &raw mut (*vm_of(l)).refs.unknown_request, refuse_request) }
}

/// `dispatch_unknown_response(f)`: returns the previous handler.
pub(super) unsafe extern "C-unwind" fn dispatch_unknown_response(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm; nothing is owned.
    unsafe { replace_handler(l, &raw mut (*vm_of(l)).refs.unknown_response, refuse_response) }
}

unsafe fn replace_handler(l: *mut lua_State, slot: *mut c_int, default: lua_CFunction) -> c_int {
    // SAFETY: rules 1 and 2; the slot is a field of the live Vm.
    unsafe {
        lua_settop(l, 1);
        let old = *slot;
        if old == 0 {
            lua_pushcfunction(l, default);
        } else {
            push_ref(l, old);
            luaL_unref(l, ffi::LUA_REGISTRYINDEX, old);
            *slot = 0;
        }
        if lua_isnil(l, 1) == 0 {
            lua_pushvalue(l, 1);
            *slot = luaL_ref(l, ffi::LUA_REGISTRYINDEX);
        }
        1
    }
}

/// `dispatch_message(type, ptr, size, session, source)`.
pub(super) unsafe extern "C-unwind" fn dispatch_message(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the outer message is put back unless an error ends it as well.
    unsafe {
        let vm = vm_of(l);
        if !(*vm).running.is_null() {
            raise(l, c"dispatch_message must not be called from a coroutine");
        }
        let message = read_current(l, 1);
        let outer = std::mem::replace(&mut (*vm).current, message);
        dispatch_current(vm, l);
        (*vm).current = outer;
        0
    }
}

/// `traceproto(name, flag)`: true, false, or nil for "as the request says".
pub(super) unsafe extern "C-unwind" fn traceproto(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        lua_settop(l, 2);
        push_table(l, vm);
        lua_pushvalue(l, 1);
        if lua_rawget(l, -2) != LUA_TTABLE {
            raise(l, c"assertion failed!");
        }
        (*vm).trace.enabled = true;
        lua_pushvalue(l, 2);
        lua_setfield(l, -2, c"trace".as_ptr());
        0
    }
}

/// Packs the stack values from `first` up with the protocol on top of the stack. Returns the
/// parts of a block of the C heap.
///
/// # Safety
/// Rules 1 and 2. The protocol's position is the top.
pub(super) unsafe fn pack_with(l: *mut lua_State, first: c_int) -> (*mut u8, usize) {
    // SAFETY: as the caller's.
    unsafe {
        lua_getfield(l, -1, c"pack".as_ptr());
        if is_native(l, -1, PACK) {
            lua_pop(l, 2);
            let packed = seri::pack(l, first);
            return (packed.ptr, packed.len);
        }
        let last = ffi::lua_gettop(l) - 2;
        let values = (last - first + 1).max(0);
        ffi::luaL_checkstack(l, values + 4, c"too many arguments".as_ptr());
        for index in first..=last {
            lua_pushvalue(l, index);
        }
        ffi::lua_call(l, values, 2);
        let block = packed_payload(l);
        lua_pop(l, 3);
        block
    }
}

/// Reads the two results of a `pack` function on top of the stack.
unsafe fn packed_payload(l: *mut lua_State) -> (*mut u8, usize) {
    // SAFETY: rules 2 and 4.
    unsafe {
        if lua_type(l, -2) == ffi::LUA_TLIGHTUSERDATA {
            luaL_optinteger(l, -1, 0);
        }
        let index = ffi::lua_absindex(l, -2);
        crate::lua::send::payload(l, index)
    }
}

/// Pushes a boolean and returns 1, for functions that say how it went.
pub(super) unsafe fn result(l: *mut lua_State, value: bool) -> c_int {
    // SAFETY: rule 4.
    unsafe { lua_pushboolean(l, value.into()) };
    1
}
