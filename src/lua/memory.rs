//! The module `skynet.memory`: statistics of the C heap. Spec: runtime section 10.2.
//!
//! The reference books every C allocation on a service, which costs 16 bytes and two atomic
//! operations a block. Here Lua memory is booked on each service's own account, and the C heap
//! only as a whole; so there is no figure by service.

use std::ffi::c_int;

use mlua::ffi::{lua_State, lua_createtable, lua_pushboolean, lua_pushinteger};

use super::native::set_functions;
use super::vm::vm_of;

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 10);
        set_functions(
            l,
            &[
                (c"total", zero),
                (c"block", zero),
                (c"current", zero),
                (c"info", empty),
                (c"jestat", empty),
                (c"dump", unavailable),
                (c"dumpinfo", unavailable),
                (c"mallctl", unavailable),
                (c"dumpheap", unavailable),
                (c"profactive", inactive),
            ],
        );
        1
    }
}

unsafe extern "C-unwind" fn zero(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { lua_pushinteger(l, 0) };
    1
}

unsafe extern "C-unwind" fn empty(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { lua_createtable(l, 0, 0) };
    1
}

unsafe extern "C-unwind" fn unavailable(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe {
        (*vm_of(l)).context.log("No jemalloc : the C heap is not booked by service");
        zero(l)
    }
}

unsafe extern "C-unwind" fn inactive(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { lua_pushboolean(l, 0) };
    1
}
