//! The module `md5`, which is also `md5.core`. Spec: network-crypt section 2.

use std::ffi::{CStr, c_int};
use std::time::{SystemTime, UNIX_EPOCH};

use mlua::ffi::{
    lua_State, lua_createtable, lua_pushstring, lua_setfield, lua_type, luaL_argerror,
};

use super::bytes::{check_bytes, push_bytes, push_filled, raise_text};
use super::crypt::push_hex;
use super::native::set_functions;
use crate::codec::crypt::{self, md5};

/// The longest key of the cipher.
const KEY_MAX: usize = 256;

const FIELDS: [(&CStr, &CStr); 3] = [
    (c"_VERSION", c"MD5 1.2"),
    (c"_DESCRIPTION", c"Basic cryptographic facilities"),
    (c"_COPYRIGHT", c"The ironsky authors"),
];

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 9);
        set_functions(
            l,
            &[
                (c"sum", sum),
                (c"sumhexa", sum_hexa),
                (c"hmacmd5", hmac_md5),
                (c"exor", exor),
                (c"crypt", encrypt),
                (c"decrypt", decrypt),
            ],
        );
        for (name, text) in FIELDS {
            lua_pushstring(l, text.as_ptr());
            lua_setfield(l, -2, name.as_ptr());
        }
        1
    }
}

/// `sum(bytes) -> 16 bytes`.
unsafe extern "C-unwind" fn sum(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { push_bytes(l, &md5::sum(check_bytes(l, 1))) };
    1
}

/// `sumhexa(bytes) -> 32 digits`.
unsafe extern "C-unwind" fn sum_hexa(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { push_hex(l, &md5::sum(check_bytes(l, 1))) };
    1
}

/// `hmacmd5(data, key) -> 32 digits`.
unsafe extern "C-unwind" fn hmac_md5(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let (data, key) = (check_bytes(l, 1), check_bytes(l, 2));
        push_hex(l, &md5::hmac(key, data));
    }
    1
}

/// `exor(a, b)`: the xor of equally long strings.
unsafe extern "C-unwind" fn exor(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the strings stay on the stack.
    unsafe {
        let (a, b) = (check_bytes(l, 1), check_bytes(l, 2));
        if a.len() != b.len() {
            return luaL_argerror(l, 2, c"lengths must be equal".as_ptr());
        }
        push_filled(l, a.len(), |output| {
            crypt::xor(a, b, output);
            Some(output.len())
        });
    }
    1
}

unsafe fn check_key<'a>(l: *mut lua_State) -> &'a [u8] {
    // SAFETY: as the callers'; nothing is owned.
    unsafe {
        let key = check_bytes(l, 2);
        if key.len() > KEY_MAX {
            raise_text(l, c"key too long (> 256)");
        }
        key
    }
}

/// `crypt(text, key [, seed])`: the length of the seed, the seed, and the text encoded.
unsafe extern "C-unwind" fn encrypt(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the strings stay on the stack.
    unsafe {
        let (text, key) = (check_bytes(l, 1), check_key(l));
        let now = seed_of_the_time();
        let seed = if lua_type(l, 3) <= 0 { &now[..] } else { check_bytes(l, 3) };
        if seed.len() > md5::SEED_MAX {
            raise_text(l, c"seed too long (> 16)");
        }
        push_filled(l, 1 + seed.len() + text.len(), |output| {
            let (head, output) = output.split_at_mut(1 + seed.len());
            head[0] = seed.len() as u8;
            head[1..].copy_from_slice(seed);
            md5::encrypt(text, key, seed, output);
            Some(head.len() + output.len())
        });
    }
    1
}

fn seed_of_the_time() -> [u8; 8] {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_nanos() as u64).to_le_bytes()
}

/// `decrypt(bytes, key)`: the inverse of `crypt`.
unsafe extern "C-unwind" fn decrypt(l: *mut lua_State) -> c_int {
    // SAFETY: as `encrypt`.
    unsafe {
        let (bytes, key) = (check_bytes(l, 1), check_key(l));
        let Some((seed, text)) = split_seed(bytes) else {
            return luaL_argerror(l, 1, c"invalid cyphered string".as_ptr());
        };
        push_filled(l, text.len(), |output| {
            md5::decrypt(text, key, seed, output);
            Some(output.len())
        });
    }
    1
}

fn split_seed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first()?;
    let (seed, text) = rest.split_at_checked(usize::from(*len))?;
    (seed.len() <= md5::SEED_MAX).then_some((seed, text))
}
