//! The module `skynet.crypt`, which is also `client.crypt`. Spec: network-crypt section 1.

use std::ffi::c_int;

use mlua::ffi::{
    lua_Integer, lua_State, lua_createtable, lua_pushinteger, lua_setfield, luaL_error,
    luaL_optinteger,
};

use super::bytes::{check_array, check_bytes, push_bytes, push_filled, raise_text};
use super::native::set_functions;
use crate::codec::crypt::des::{self, Padding};
use crate::codec::crypt::{self, base64, digest, exchange, hash, hex};

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 17);
        set_functions(
            l,
            &[
                (c"hashkey", hash_key),
                (c"randomkey", random_key),
                (c"hmac64", hmac64),
                (c"hmac64_md5", hmac64_md5),
                (c"hmac_hash", hmac_hash),
                (c"dhexchange", dh_exchange),
                (c"dhsecret", dh_secret),
                (c"desencode", des_encode),
                (c"desdecode", des_decode),
                (c"hexencode", hex_encode),
                (c"hexdecode", hex_decode),
                (c"base64encode", base64_encode),
                (c"base64decode", base64_decode),
                (c"sha1", sha1),
                (c"hmac_sha1", hmac_sha1),
                (c"xor_str", xor_str),
            ],
        );
        lua_createtable(l, 0, 2);
        lua_pushinteger(l, 0);
        lua_setfield(l, -2, c"iso7816_4".as_ptr());
        lua_pushinteger(l, 1);
        lua_setfield(l, -2, c"pkcs7".as_ptr());
        lua_setfield(l, -2, c"padding".as_ptr());
        1
    }
}

/// `hashkey(text) -> 8 bytes`.
unsafe extern "C-unwind" fn hash_key(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { push_bytes(l, &hash::hash_key(check_bytes(l, 1))) };
    1
}

/// `randomkey() -> 8 bytes`, of which the xor is not 0.
unsafe extern "C-unwind" fn random_key(l: *mut lua_State) -> c_int {
    let mut key = [0; 8];
    let is_random = getrandom::fill(&mut key).is_ok();
    if key.iter().fold(0, |all, byte| all ^ byte) == 0 {
        key[0] ^= 1;
    }
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        if !is_random {
            raise_text(l, c"the system has no random bytes");
        }
        push_bytes(l, &key);
    }
    1
}

/// The two values of `hmac64` and `hmac64_md5`.
unsafe fn check_pair(l: *mut lua_State) -> ([u8; 8], [u8; 8]) {
    // SAFETY: as the callers'.
    unsafe { (check_array(l, 1, c"Invalid uint64 x"), check_array(l, 2, c"Invalid uint64 y")) }
}

/// `hmac64(x, y) -> 8 bytes`.
unsafe extern "C-unwind" fn hmac64(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let (x, y) = check_pair(l);
        push_bytes(l, &hash::hmac64(x, y));
    }
    1
}

/// `hmac64_md5(x, y) -> 8 bytes`.
unsafe extern "C-unwind" fn hmac64_md5(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let (x, y) = check_pair(l);
        push_bytes(l, &hash::hmac64_md5(x, y));
    }
    1
}

/// `hmac_hash(key, text) -> 8 bytes`.
unsafe extern "C-unwind" fn hmac_hash(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let key = check_array(l, 1, c"Invalid uint64 key");
        push_bytes(l, &hash::hmac_hash(key, check_bytes(l, 2)));
    }
    1
}

/// `dhexchange(key) -> 8 bytes`.
unsafe extern "C-unwind" fn dh_exchange(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let key = u64::from_le_bytes(check_array(l, 1, c"Invalid dh uint64 key"));
        refuse_zero(l, &[key]);
        push_bytes(l, &exchange::public(key).to_le_bytes());
    }
    1
}

/// `dhsecret(base, key) -> 8 bytes`.
unsafe extern "C-unwind" fn dh_secret(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let (base, key) = check_pair(l);
        let (base, key) = (u64::from_le_bytes(base), u64::from_le_bytes(key));
        refuse_zero(l, &[base, key]);
        push_bytes(l, &exchange::secret(base, key).to_le_bytes());
    }
    1
}

unsafe fn refuse_zero(l: *mut lua_State, values: &[u64]) {
    if values.contains(&0) {
        // SAFETY: as the callers'; nothing is owned.
        unsafe { raise_text(l, c"Can't be 0") }
    }
}

/// What `desencode` and `desdecode` are given: key, text, padding.
unsafe fn check_des<'a>(l: *mut lua_State) -> ([u8; des::BLOCK], &'a [u8], lua_Integer) {
    // SAFETY: as the callers'; nothing is owned.
    unsafe {
        let key = check_bytes(l, 1);
        let Ok(key) = key.try_into() else {
            let len = key.len() as c_int;
            luaL_error(l, c"Invalid key size %d, need 8 bytes".as_ptr(), len);
            unreachable!("luaL_error does not return");
        };
        (key, check_bytes(l, 2), luaL_optinteger(l, 3, 0))
    }
}

unsafe fn check_padding(l: *mut lua_State, number: lua_Integer) -> Padding {
    // SAFETY: as the callers'; nothing is owned.
    unsafe {
        match Padding::from_number(number) {
            Some(padding) => padding,
            None => {
                luaL_error(l, c"Invalid padding mode %I".as_ptr(), number);
                unreachable!("luaL_error does not return")
            }
        }
    }
}

/// `desencode(key, text [, padding])`.
unsafe extern "C-unwind" fn des_encode(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the strings stay on the stack.
    unsafe {
        let (key, text, padding) = check_des(l);
        let padding = check_padding(l, padding);
        push_filled(l, des::encoded_len(text.len()), |output| {
            des::encode(key, text, padding, output);
            Some(output.len())
        });
    }
    1
}

/// `desdecode(key, text [, padding])`.
unsafe extern "C-unwind" fn des_decode(l: *mut lua_State) -> c_int {
    // SAFETY: as `des_encode`.
    unsafe {
        let (key, text, padding) = check_des(l);
        if text.is_empty() || !text.len().is_multiple_of(des::BLOCK) {
            let len = text.len() as lua_Integer;
            return luaL_error(l, c"Invalid des crypt text length %I".as_ptr(), len);
        }
        let padding = check_padding(l, padding);
        let done = push_filled(l, text.len(), |output| des::decode(key, text, padding, output));
        if done.is_none() {
            raise_text(l, c"Invalid des crypt text");
        }
    }
    1
}

/// `hexencode(bytes)`.
unsafe extern "C-unwind" fn hex_encode(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the string stays on the stack.
    unsafe {
        push_hex(l, check_bytes(l, 1));
    }
    1
}

/// Pushes the digits of some bytes.
///
/// # Safety
/// As [`push_filled`].
pub(super) unsafe fn push_hex(l: *mut lua_State, bytes: &[u8]) {
    // SAFETY: as the caller's.
    unsafe {
        push_filled(l, bytes.len() * 2, |output| {
            hex::encode(bytes, output);
            Some(output.len())
        });
    }
}

/// `hexdecode(text)`.
unsafe extern "C-unwind" fn hex_decode(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the string stays on the stack.
    unsafe {
        let text = check_bytes(l, 1);
        if !text.len().is_multiple_of(2) {
            let len = text.len() as lua_Integer;
            return luaL_error(l, c"Invalid hex text size %I".as_ptr(), len);
        }
        let len = text.len() / 2;
        let done = push_filled(l, len, |output| hex::decode(text, output).map(|()| len));
        if done.is_none() {
            raise_text(l, c"Invalid hex text");
        }
    }
    1
}

/// `base64encode(bytes)`.
unsafe extern "C-unwind" fn base64_encode(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the string stays on the stack.
    unsafe {
        let bytes = check_bytes(l, 1);
        push_filled(l, base64::encoded_len(bytes.len()), |output| {
            base64::encode(bytes, output);
            Some(output.len())
        });
    }
    1
}

/// `base64decode(text)`.
unsafe extern "C-unwind" fn base64_decode(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the string stays on the stack.
    unsafe {
        let text = check_bytes(l, 1);
        let len = base64::decoded_len_max(text.len());
        if push_filled(l, len, |output| base64::decode(text, output)).is_none() {
            raise_text(l, c"Invalid base64 text");
        }
    }
    1
}

/// `sha1(bytes) -> 20 bytes`.
unsafe extern "C-unwind" fn sha1(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { push_bytes(l, &digest::sha1(check_bytes(l, 1))) };
    1
}

/// `hmac_sha1(key, text) -> 20 bytes`.
unsafe extern "C-unwind" fn hmac_sha1(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { push_bytes(l, &digest::hmac_sha1(check_bytes(l, 1), check_bytes(l, 2))) };
    1
}

/// `xor_str(text, key)`.
unsafe extern "C-unwind" fn xor_str(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the strings stay on the stack.
    unsafe {
        let (text, key) = (check_bytes(l, 1), check_bytes(l, 2));
        if key.is_empty() {
            raise_text(l, c"Can't xor empty string");
        }
        push_filled(l, text.len(), |output| {
            crypt::xor(text, key, output);
            Some(output.len())
        });
    }
    1
}
