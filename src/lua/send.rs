//! Sending from Lua: destinations on the stack, payloads, posts. Used by the bindings.

use std::ffi::c_int;

use mlua::ffi::{
    self, LUA_TLIGHTUSERDATA, LUA_TNUMBER, LUA_TSTRING, lua_State, lua_pushfstring, lua_tointegerx,
    lua_tolstring, lua_touserdata, lua_type, lua_typename, luaL_checkinteger,
};

use super::error::raise_top;
use super::vm::Vm;
use crate::message::{Address, Kind, Message, Payload, Session};
use crate::node::SendError;

/// Whom Lua code wants to reach. The name is bytes of a string on the Lua stack.
#[derive(Clone, Copy)]
pub(super) enum Destination {
    /// A number.
    Address(Address),
    /// `.local`, `:hex` or a global name.
    Name(*const u8, usize),
}

/// Reads a destination. Raises for what is none. Spec: runtime section 10.1.
///
/// # Safety
/// `l` is a running Lua thread; the result is used while the value stays on its stack.
pub(super) unsafe fn destination(l: *mut lua_State, index: c_int) -> Destination {
    // SAFETY: plain API calls on an acceptable index; nothing is owned.
    unsafe {
        let mut numeric = 0;
        let bits = lua_tointegerx(l, index, &mut numeric) as u32;
        if numeric != 0 && bits != 0 {
            return Destination::Address(Address::new(bits));
        }
        match lua_type(l, index) {
            LUA_TNUMBER => {
                lua_pushfstring(l, c"Invalid service address 0".as_ptr());
                raise_top(l)
            }
            LUA_TSTRING => {
                let mut len = 0;
                let name = lua_tolstring(l, index, &mut len);
                Destination::Name(name.cast(), len)
            }
            other => {
                let name = lua_typename(l, other);
                lua_pushfstring(
                    l,
                    c"dest address type (%s) must be a string or number.".as_ptr(),
                    name,
                );
                raise_top(l)
            }
        }
    }
}

/// Raises for what is no payload argument.
///
/// # Safety
/// `l` is a running Lua thread.
pub(super) unsafe fn check_payload(l: *mut lua_State, index: c_int) {
    // SAFETY: plain API calls; nothing is owned.
    unsafe {
        match lua_type(l, index) {
            LUA_TSTRING => {}
            LUA_TLIGHTUSERDATA => drop(luaL_checkinteger(l, index + 1)),
            other => {
                let name = lua_typename(l, other);
                lua_pushfstring(l, c"invalid param %s".as_ptr(), name);
                raise_top(l);
            }
        }
    }
}

/// Takes a payload argument: a string is copied, a light userdata with its size changes hands.
/// Raises for anything else. Returns the parts of a block.
///
/// # Safety
/// `l` is a running Lua thread; a light userdata is a block of the C heap that Lua code owns.
pub(super) unsafe fn payload(l: *mut lua_State, index: c_int) -> (*mut u8, usize) {
    // SAFETY: plain API calls; nothing is owned while the check may raise.
    unsafe {
        check_payload(l, index);
        if lua_type(l, index) == LUA_TLIGHTUSERDATA {
            let start = lua_touserdata(l, index).cast();
            return (start, luaL_checkinteger(l, index + 1) as usize);
        }
        let mut len = 0;
        let bytes = lua_tolstring(l, index, &mut len);
        Payload::copy_of(std::slice::from_raw_parts(bytes.cast(), len)).into_raw()
    }
}

/// Tells whether a destination is a local name that nobody has: a request to it takes no session.
///
/// # Safety
/// Rule 1; a name's bytes are still on the Lua stack.
pub(super) unsafe fn is_unknown(vm: *mut Vm, to: Destination) -> bool {
    // SAFETY: as the caller's.
    unsafe {
        let Destination::Name(name, len) = to else { return false };
        let name = std::slice::from_raw_parts(name, len);
        name.first() == Some(&b'.') && (*vm).context.query_name(name).is_none()
    }
}

/// Sends a block.
///
/// # Safety
/// Rule 1; the block is null or one of the C heap that is given away, whatever the result.
pub(super) unsafe fn post(
    vm: *mut Vm,
    to: Destination,
    (source, kind, session): (Address, Kind, Session),
    (start, len): (*mut u8, usize),
) -> Result<(), SendError> {
    // SAFETY: as the caller's; a name's bytes are still on the Lua stack.
    unsafe {
        let payload = Payload::from_raw(start, len);
        let message = Message { source, session, kind, payload };
        let context = &(*vm).context;
        match to {
            Destination::Address(to) => context.send(to, message),
            Destination::Name(name, len) => {
                context.send_to_name(std::slice::from_raw_parts(name, len), message)
            }
        }
    }
}

/// Tells a requester that its request failed. Nobody there any more is fine.
///
/// # Safety
/// Rule 1.
pub(super) unsafe fn post_error(vm: *mut Vm, to: Address, session: Session) {
    // SAFETY: as the caller's.
    unsafe {
        let context = &(*vm).context;
        if to != Address::NOBODY {
            let _ = context.send(to, Message::empty(context.address(), session, Kind::ERROR));
        }
    }
}

/// Returns the type argument of a send; only its low 8 bits travel.
///
/// # Safety
/// `l` is a running Lua thread.
pub(super) unsafe fn kind(l: *mut lua_State, index: c_int) -> Kind {
    // SAFETY: a plain API call.
    Kind::new(unsafe { ffi::luaL_checkinteger(l, index) } as u8)
}
