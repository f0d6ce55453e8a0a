//! Messages that nobody handles, and requests that nobody answered: the texts that the log gets.
//! Lua API sections 3.4 and 3.8.

use std::ffi::{CStr, c_int, c_void};
use std::io::Write;
use std::ptr;

use mlua::ffi::{
    self, LUA_REGISTRYINDEX, LUA_TTABLE, lua_Integer, lua_State, lua_call, lua_getfield, lua_isnil,
    lua_pop, lua_pushcfunction, lua_pushinteger, lua_pushlightuserdata, lua_pushlstring,
    lua_rawgeti, lua_settop, lua_tolstring, lua_type,
};

use super::task::Task;
use super::vm::{Current, Vm, vm_of};
use crate::message::{Address, Session};

/// Calls the handler of requests that nobody handles.
pub(super) unsafe fn unknown_request(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rules 1, 2 and 4.
    unsafe {
        let Current { kind, session, source, start, len, .. } = (*vm).current;
        // What the handler is told: the protocol's name, or the number of an unknown one.
        if lua_type(l, -1) == LUA_TTABLE {
            lua_getfield(l, -1, c"name".as_ptr());
        }
        if lua_isnil(l, -1) != 0 {
            lua_pushinteger(l, kind.number().into());
        }
        match (*vm).refs.unknown_request {
            0 => lua_pushcfunction(l, refuse_request),
            handler => drop(lua_rawgeti(l, LUA_REGISTRYINDEX, handler.into())),
        }
        push_request(l, session, source, start, len);
        ffi::lua_pushvalue(l, -6);
        lua_call(l, 5, 0);
    }
}

/// Calls the handler of answers that nobody waits for.
pub(super) unsafe fn unknown_response(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rules 1, 2 and 4.
    unsafe {
        let Current { session, source, start, len, .. } = (*vm).current;
        match (*vm).refs.unknown_response {
            0 => lua_pushcfunction(l, refuse_response),
            handler => drop(lua_rawgeti(l, LUA_REGISTRYINDEX, handler.into())),
        }
        push_request(l, session, source, start, len);
        lua_call(l, 4, 0);
    }
}

unsafe fn push_request(
    l: *mut lua_State,
    session: Session,
    source: Address,
    start: *mut u8,
    len: usize,
) {
    // SAFETY: rule 4.
    unsafe {
        lua_pushinteger(l, session.number().into());
        lua_pushinteger(l, source.bits().into());
        lua_pushlightuserdata(l, start.cast::<c_void>());
        lua_pushinteger(l, len as lua_Integer);
    }
}

/// The handler of unknown requests unless another one is set: (session, source, ptr, size, what).
pub(super) unsafe extern "C-unwind" fn refuse_request(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        lua_settop(l, 5);
        let what = ffi::luaL_tolstring(l, 5, ptr::null_mut());
        ffi::lua_pushfstring(l, c"Unknown request (%s): ".as_ptr(), what);
        log_and_refuse(l)
    }
}

/// The handler of unknown answers unless another one is set: (session, source, ptr, size).
pub(super) unsafe extern "C-unwind" fn refuse_response(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        lua_settop(l, 4);
        ffi::lua_pushstring(l, c"Response message : ".as_ptr());
        log_and_refuse(l)
    }
}

/// Logs the text on top of the stack with the payload of the arguments behind it, then raises.
unsafe fn log_and_refuse(l: *mut lua_State) -> c_int {
    // SAFETY: rules 1 and 2: the line is dropped before the error is raised. Pointer and size
    // come from a dispatcher or from code that has them from one.
    unsafe {
        let vm = vm_of(l);
        let session = ffi::luaL_checkinteger(l, 1);
        let source = Address::new(ffi::luaL_checkinteger(l, 2) as u32);
        push_bytes(l, ffi::lua_touserdata(l, 3).cast(), ffi::luaL_optinteger(l, 4, 0) as usize);
        ffi::lua_concat(l, 2);
        let mut size = 0;
        let line = lua_tolstring(l, -1, &mut size);
        let line = std::slice::from_raw_parts(line.cast(), size);
        (*vm).context.node().log((*vm).context.address(), line);
        let format = c"Unknown session : %d from %s";
        let mut digits = [0u8; 16];
        let from = hex(source, &mut digits);
        ffi::lua_pushfstring(l, format.as_ptr(), session as c_int, from.as_ptr());
        ffi::lua_error(l)
    }
}

/// Writes an address as unpadded hex digits into a buffer, as a C string.
fn hex(address: Address, buffer: &mut [u8; 16]) -> &CStr {
    // Nine bytes at the most, so writing does not fail.
    let _ = write!(&mut buffer[..], "{:x}\0", address.bits());
    CStr::from_bytes_until_nul(buffer).unwrap_or_default()
}

/// Pushes bytes as a string; none for a null pointer.
unsafe fn push_bytes(l: *mut lua_State, start: *mut u8, len: usize) {
    // SAFETY: rule 4; the block has len bytes, or is null.
    unsafe {
        let len = if start.is_null() { 0 } else { len };
        lua_pushlstring(l, start.cast(), len);
    }
}

/// Logs that a handler returned without answering. Spec: Lua API section 3.8.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn report_forgotten(vm: *mut Vm, task: *mut Task, session: Session) {
    // SAFETY: as the caller's; the line is made when nothing can raise any more.
    unsafe {
        let l = (*vm).main;
        lua_rawgeti(l, LUA_REGISTRYINDEX, (*vm).refs.protocols.into());
        lua_rawgeti(l, -1, (*task).kind.number().into());
        lua_getfield(l, -1, c"dispatch".as_ptr());
        let mut info: ffi::lua_Debug = std::mem::zeroed();
        ffi::lua_getinfo(l, c">S".as_ptr(), &mut info);
        let source = CStr::from_ptr(info.source).to_string_lossy();
        let line = format!(
            "Maybe forgot response session {} from {} : {}:{}",
            session.number(),
            (*task).source,
            source,
            info.linedefined
        );
        (*vm).context.log(&line);
        drop((line, source));
        lua_pop(l, 2);
    }
}
