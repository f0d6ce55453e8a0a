//! What PTYPE_ERROR does: requests that fail, and services that are gone. Lua API section 3.6.
//!
//! An error may have a text, which the failing call raises: the harbor service gives one.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::{self, lua_State};

use super::dispatch::forget_name;
use super::vm::{Current, Vm, Waiter, vm_of};
use crate::message::{Address, Kind};

/// The built-in handling of PTYPE_ERROR. Spec: Lua API section 3.6.
pub(super) unsafe fn error_message(vm: *mut Vm, session: i32, source: Address) {
    // SAFETY: rule 1.
    unsafe {
        if session != 0 {
            fail_session(vm, session);
        } else {
            service_gone(vm, source, None);
        }
    }
}

/// The same as a dispatch function, for code that replaces it and calls it: (session, source).
pub(super) unsafe extern "C-unwind" fn dispatch_error(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let session = ffi::luaL_checkinteger(l, 1) as i32;
        let source = Address::new(ffi::luaL_checkinteger(l, 2) as u32);
        error_message(vm_of(l), session, source);
        0
    }
}

/// Fails what waits for a session, if anything does: at the next suspension, as every failed call.
unsafe fn fail_session(vm: *mut Vm, session: i32) {
    // SAFETY: rule 1.
    unsafe {
        match (*vm).waiters.get(&session) {
            Some(&Waiter::Call { callee, .. }) => {
                forget_name(vm, session, callee);
                (*vm).failures.push_back(session);
            }
            Some(Waiter::Expect { .. }) => (*vm).failures.push_back(session),
            Some(Waiter::Ignored) => {
                (*vm).waiters.remove(&session);
            }
            _ => {}
        }
    }
}

/// A service is gone: whoever called it by this number (or name) fails, and nothing is owed to it.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn service_gone(vm: *mut Vm, address: Address, name: Option<&[u8]>) {
    // SAFETY: as the caller's; the vector is dropped before anything can raise.
    unsafe {
        if name.is_none() {
            (*vm).replies.retain(|_, reply| reply.source != address);
        }
        for session in Vm::calls_to(vm, address, name) {
            fail_session(vm, session);
        }
    }
}

impl Vm {
    /// Tells whether the current message is an error with a text for the call of this session, and
    /// still has its block.
    pub(super) fn explains(&self, session: i32) -> bool {
        let Current { kind, start, len, .. } = self.current;
        kind == Kind::ERROR
            && self.current.session.number() == session
            && len > 0
            && !start.is_null()
            && ptr::eq(start, self.block)
    }

    /// Returns the sessions of calls to an address or a name, oldest first, as an iterator that
    /// owns nothing which a Lua error could leak.
    unsafe fn calls_to(
        vm: *mut Vm,
        address: Address,
        name: Option<&[u8]>,
    ) -> impl Iterator<Item = i32> + use<> {
        // SAFETY: rule 1.
        unsafe {
            let found = &mut (*vm).scratch_sessions;
            found.clear();
            found.extend((*vm).waiters.iter().filter_map(|(session, waiter)| {
                let callee = match waiter {
                    Waiter::Call { callee, .. } => *callee,
                    Waiter::Expect { .. } => {
                        (*vm).expected_from.get(session).copied().unwrap_or(Address::NOBODY)
                    }
                    _ => return None,
                };
                let hit = match name {
                    Some(name) => (*vm).named_calls.get(session).is_some_and(|n| **n == *name),
                    None => callee == address && callee != Address::NOBODY,
                };
                hit.then_some(*session)
            }));
            found.sort_unstable();
            let count = found.len();
            (0..count).map(move |at| Vm::found_session(vm, at))
        }
    }
}
