//! Long strings that stay in the message's own block: Lua 5.5 external strings.
//!
//! Only this file of the folder knows the Lua version. With Lua 5.4 there are no external strings
//! and [`push_owned`] always declines.

use mlua::ffi::lua_State;

/// Shorter strings are copied: a copy is then cheaper than the object and its `free`.
#[cfg(feature = "lua55")]
const EXTERNAL_BYTES_MIN: usize = 4096;

/// Pushes `text`, which ends with the block it lies in, as a string that owns the block; false,
/// and nothing is pushed, when a copy is better.
///
/// Raises a Lua error when memory is short; the block is the caller's then.
///
/// # Safety
/// - `l` is a live Lua state with a free stack slot.
/// - `block` came from the C library's `malloc`, and `text` lies in it with a NUL behind its end.
#[cfg(feature = "lua55")]
pub(super) unsafe fn push_owned(l: *mut lua_State, block: *mut u8, text: &[u8]) -> bool {
    use mlua::ffi;

    if text.len() < EXTERNAL_BYTES_MIN {
        return false;
    }
    let block = block.cast();
    making::BLOCK.set(block);
    // SAFETY:
    // - the state is live and the slot is free.
    // - a NUL stands behind the text, by the caller's promise.
    // - `making::free` frees the block once, when the string dies.
    unsafe {
        let start = text.as_ptr().cast();
        ffi::lua_pushexternalstring(l, start, text.len(), Some(making::free), block);
        making::BLOCK.set(std::ptr::null_mut());
        feel_weight(l, text.len());
    }
    true
}

/// Tells the collector about bytes that it did not allocate, as if it had: else a service that
/// receives long strings would hold hundreds of them before its small heap seems to have grown.
#[cfg(feature = "lua55")]
unsafe fn feel_weight(l: *mut lua_State, bytes: usize) {
    use mlua::ffi;

    // SAFETY: the state is live; the string is anchored on its stack.
    unsafe {
        if ffi::lua_gc(l, ffi::LUA_GCISRUNNING) != 0 {
            ffi::lua_gc(l, ffi::LUA_GCSTEP, bytes);
        }
    }
}

/// How the block of an external string is freed.
///
/// Lua also calls the string's free function when it fails to make the string, and then raises.
/// The block must stay the caller's in that case, so the block of a string that is being made is
/// noted and passed over once.
#[cfg(feature = "lua55")]
mod making {
    use std::cell::Cell;
    use std::ffi::c_void;
    use std::ptr;

    thread_local! {
        pub(super) static BLOCK: Cell<*mut c_void> = const { Cell::new(ptr::null_mut()) };
    }

    /// A `lua_Alloc` that only frees: `block` is its user data.
    pub(super) unsafe extern "C" fn free(
        block: *mut c_void,
        _text: *mut c_void,
        _old: usize,
        _new: usize,
    ) -> *mut c_void {
        if BLOCK.get() == block {
            BLOCK.set(ptr::null_mut());
        } else {
            // SAFETY: the block came from `malloc`, and its string, the only owner, is dead.
            unsafe { libc::free(block) };
        }
        ptr::null_mut()
    }
}

/// Always declines: the text must be copied.
///
/// # Safety
/// None; it has the signature of its twin.
#[cfg(not(feature = "lua55"))]
pub(super) unsafe fn push_owned(_l: *mut lua_State, _block: *mut u8, _text: &[u8]) -> bool {
    false
}
