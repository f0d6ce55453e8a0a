//! Sixteen schemas that all services of a node share.
//!
//! A slot keeps its schema alive, and so does everyone who has loaded it; overwriting a slot
//! takes nothing from them.

use std::ffi::c_int;
use std::sync::{Arc, Mutex, PoisonError};

use mlua::ffi::{lua_Integer, lua_State, luaL_error, luaL_optinteger};

use super::handle::{check_schema, push_schema};
use crate::codec::sproto::Schema;
use crate::lua::runtime::Runtime;
use crate::lua::vm::vm_of;

const SLOTS: usize = 16;

/// The slots. They are used when services start, so an ordinary lock will do.
#[derive(Default)]
pub(in crate::lua) struct Slots(Mutex<[Option<Arc<Schema>>; SLOTS]>);

impl Slots {
    fn replace(&self, slot: usize, schema: Option<Arc<Schema>>) {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = slots.get_mut(slot).map(|place| std::mem::replace(place, schema));
        // A schema is large: it is dropped when the lock is free again.
        drop(slots);
        drop(before);
    }

    fn get(&self, slot: usize) -> Option<Arc<Schema>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(slot)?.clone()
    }
}

/// Returns the slot that argument `at` names, 0 without one.
unsafe fn check_slot(l: *mut lua_State, at: c_int) -> usize {
    // SAFETY: as the callers'; nothing is owned.
    unsafe {
        let index: lua_Integer = luaL_optinteger(l, at, 0);
        match usize::try_from(index) {
            Ok(slot) if slot < SLOTS => slot,
            _ => {
                luaL_error(l, c"Invalid global slot index %I".as_ptr(), index);
                unreachable!("luaL_error does not return")
            }
        }
    }
}

/// `saveproto(schema [, slot])`.
pub(super) unsafe extern "C-unwind" fn save_proto(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned when it raises.
    unsafe {
        let slot = check_slot(l, 2);
        let schema = check_schema(l);
        let runtime: &Runtime = &(*vm_of(l)).runtime;
        runtime.sproto.replace(slot, Some(Arc::clone(&*schema)));
    }
    0
}

/// `loadproto([slot]) -> schema`.
pub(super) unsafe extern "C-unwind" fn load_proto(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned when it raises.
    unsafe {
        let slot = check_slot(l, 1);
        let runtime: &Runtime = &(*vm_of(l)).runtime;
        if push_schema(l, || runtime.sproto.get(slot)) == 0 {
            return luaL_error(l, c"nil sproto at index %I".as_ptr(), slot as lua_Integer);
        }
    }
    1
}
