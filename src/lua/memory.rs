//! The module `skynet.memory`: statistics of the heap. Spec: runtime section 10.2.
//!
//! The reference books every C allocation on a service, which costs 16 bytes and two atomic
//! operations a block. Here Lua memory is booked on each service's own account, and the C heap
//! only as a whole, by jemalloc. So `info` and `current` tell what the Lua states use, and `total`
//! what the process has allocated.
//!
//! jemalloc is asked through `mallctl`, which is looked up at run time: with another allocator it
//! is not there, and every figure of the heap is 0, as in a reference without jemalloc.
//!
//! jemalloc gives pages back to the system some seconds after their last use, but looks at the
//! time only when it is called: what a burst needed would stay as long as the node is idle. So the
//! executable has a thread of jemalloc's do it ([`return_unused_memory`]).

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use mlua::ffi::{
    lua_Integer, lua_State, lua_createtable, lua_isnoneornil, lua_pushboolean, lua_pushinteger,
    lua_pushstring, lua_rawset, lua_rawseti, lua_toboolean, luaL_checklstring,
};

use super::native::set_functions;
use super::vm::{Vm, vm_of};
use crate::message::Address;
use crate::node::Context;

type Mallctl =
    unsafe extern "C" fn(*const c_char, *mut c_void, *mut usize, *mut c_void, usize) -> c_int;

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 11);
        set_functions(
            l,
            &[
                (c"total", total),
                (c"block", block),
                (c"current", current),
                (c"info", info),
                (c"jestat", jestat),
                (c"dump", dump),
                (c"dumpinfo", unavailable),
                (c"mallctl", mallctl),
                (c"dumpheap", unavailable),
                (c"profactive", profactive),
                (c"trim", trim),
            ],
        );
        1
    }
}

/// Returns jemalloc's control function, when jemalloc is the allocator.
fn control() -> Option<Mallctl> {
    static CONTROL: OnceLock<Option<Mallctl>> = OnceLock::new();
    *CONTROL.get_or_init(|| {
        // SAFETY: a look-up by name; the symbol, if there is one, is jemalloc's function.
        unsafe {
            let symbol = libc::dlsym(libc::RTLD_DEFAULT, c"mallctl".as_ptr());
            std::mem::transmute::<*mut c_void, Option<Mallctl>>(symbol)
        }
    })
}

/// Reads a figure of jemalloc's; 0 when there is none of that name.
fn read(name: &CStr) -> u64 {
    let Some(control) = control() else { return 0 };
    let mut value = 0u64;
    let mut size = size_of::<u64>();
    // SAFETY: the name is a C string, and value and size describe each other. A narrower figure
    // fills the low bytes, or is refused.
    let failed =
        unsafe { control(name.as_ptr(), (&raw mut value).cast(), &mut size, ptr::null_mut(), 0) };
    if failed == 0 { value } else { 0 }
}

/// Has jemalloc take new figures.
fn refresh() {
    set(c"epoch", 1u64);
}

/// Sets an option of jemalloc's. Returns whether there is one of that name and type.
fn set<T>(name: &CStr, mut value: T) -> bool {
    let Some(control) = control() else { return false };
    // SAFETY: the name is a C string. The value is read only, and refused when its size is not
    // that of the option.
    let failed = unsafe {
        let value = (&raw mut value).cast();
        control(name.as_ptr(), ptr::null_mut(), ptr::null_mut(), value, size_of::<T>())
    };
    failed == 0
}

/// Has jemalloc, if it is the allocator, give memory that is not used back to the system in time,
/// in a thread of its own, which sleeps while there is none. A process that forks calls this
/// afterwards. Returns whether it does.
pub fn return_unused_memory() -> bool {
    set(c"max_background_threads", 1usize) && set(c"background_thread", true)
}

unsafe extern "C-unwind" fn total(l: *mut lua_State) -> c_int {
    refresh();
    // SAFETY: Lua calls this.
    unsafe { lua_pushinteger(l, read(c"stats.allocated") as lua_Integer) };
    1
}

/// Blocks are not counted.
unsafe extern "C-unwind" fn block(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { lua_pushinteger(l, 0) };
    1
}

unsafe extern "C-unwind" fn current(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe { lua_pushinteger(l, (*vm_of(l)).account.used() as lua_Integer) };
    1
}

/// Returns the services that book their memory, with their bytes.
fn memory_of_services(context: &Context) -> Vec<(Address, u64)> {
    let registry = &context.node().scheduler().registry;
    let look = |address| registry.with(address, |cell| (address, cell.memory()));
    registry.addresses().into_iter().filter_map(look).filter(|(_, bytes)| *bytes > 0).collect()
}

/// `info()`: the bytes of each Lua service by its address.
unsafe extern "C-unwind" fn info(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm; running out of memory here leaks one vector.
    unsafe {
        lua_createtable(l, 0, 16);
        for (address, bytes) in memory_of_services(&(*vm_of(l)).context) {
            lua_pushinteger(l, bytes as lua_Integer);
            lua_rawseti(l, -2, address.bits().into());
        }
        1
    }
}

/// `dump()`: the same into the log.
unsafe extern "C-unwind" fn dump(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    let context = unsafe { &(*vm_of(l)).context };
    let log = |line: &str| context.node().log(Address::NOBODY, line.as_bytes());
    log("dump all service mem:");
    let services = memory_of_services(context);
    for (address, bytes) in &services {
        log(&format!("{address} -> {}kb {}b", bytes >> 10, bytes & 1023));
    }
    let total: u64 = services.iter().map(|(_, bytes)| bytes).sum();
    log(&format!("+total: {}kb", total >> 10));
    0
}

/// `jestat()`: five figures of jemalloc.
unsafe extern "C-unwind" fn jestat(l: *mut lua_State) -> c_int {
    refresh();
    let names = [
        c"stats.allocated",
        c"stats.resident",
        c"stats.retained",
        c"stats.mapped",
        c"stats.active",
    ];
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, names.len() as c_int);
        for name in names {
            lua_pushstring(l, name.as_ptr());
            lua_pushinteger(l, read(name) as lua_Integer);
            lua_rawset(l, -3);
        }
        1
    }
}

/// `mallctl(name)`: one figure of jemalloc.
unsafe extern "C-unwind" fn mallctl(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the name stays on the stack.
    unsafe {
        let name = CStr::from_ptr(luaL_checklstring(l, 1, ptr::null_mut()));
        lua_pushinteger(l, read(name) as lua_Integer);
        1
    }
}

/// `trim()`: lets the garbage collector have the coroutines that this service keeps for later.
unsafe extern "C-unwind" fn trim(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm, and no idle coroutine is on the stack.
    unsafe { Vm::release_idle_tasks(vm_of(l)) };
    0
}

/// `profactive([on])`: whether heap profiles are taken: the allocator is built without them.
unsafe extern "C-unwind" fn profactive(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe {
        if lua_isnoneornil(l, 1) == 0 && lua_toboolean(l, 1) != 0 {
            unavailable(l);
        }
        lua_pushboolean(l, 0);
        1
    }
}

unsafe extern "C-unwind" fn unavailable(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe {
        (*vm_of(l)).context.log("error: heap profiles and dumps are not built into the allocator");
        lua_pushinteger(l, 0);
        1
    }
}
