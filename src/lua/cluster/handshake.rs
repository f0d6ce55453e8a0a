//! The module `skynet.cluster.native`: the messages with which two ends of a cluster link show each
//! other that they know a shared secret. Used by `lualib/skynet/cluster/admission.lua`, which sends
//! and gets them.
//!
//! Messages are strings, and so is a list of secrets: one a line. A function takes its strings,
//! works without Lua and pushes what came out; what is being pushed is the only thing owned then
//! (running out of memory right there leaks it).

use std::ffi::{CStr, c_int};
use std::os::unix::fs::PermissionsExt;

use mlua::ffi::{lua_State, lua_createtable, lua_pushboolean, lua_pushnil, lua_pushstring};

use crate::codec::cluster::handshake::{Message, NONCE, Transcript, VERSION};
use crate::lua::bytes::{check_bytes, push_bytes, raise_text};
use crate::lua::native::set_functions;

/// Opens the module.
pub(in crate::lua) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 8);
        set_functions(
            l,
            &[
                (c"hello", hello),
                (c"challenge", challenge),
                (c"prove", prove),
                (c"admit", admit),
                (c"accepted", accepted),
                (c"refusal", refusal),
                (c"read", read),
                (c"readable_by_others", readable_by_others),
            ],
        );
        1
    }
}

/// Fresh random bytes; raises when the system has none.
unsafe fn nonce(l: *mut lua_State) -> [u8; NONCE] {
    let mut bytes = [0; NONCE];
    if getrandom::fill(&mut bytes).is_err() {
        // SAFETY: nothing is owned.
        unsafe { raise_text(l, c"the system has no random bytes") }
    }
    bytes
}

unsafe fn push(l: *mut lua_State, bytes: Vec<u8>) -> c_int {
    // SAFETY: see the top of the file.
    unsafe { push_bytes(l, &bytes) };
    1
}

/// The secrets at a place of the stack, and what was said: hello and challenge behind them.
unsafe fn check_said<'a>(l: *mut lua_State) -> (&'a [u8], Transcript<'a>) {
    // SAFETY: the strings stay arguments while they are used.
    unsafe {
        let secrets = check_bytes(l, 1);
        (secrets, Transcript { hello: check_bytes(l, 2), challenge: check_bytes(l, 3) })
    }
}

fn lines(secrets: &[u8]) -> Vec<&[u8]> {
    secrets.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
}

/// `hello(own name, name of the node) -> message`.
unsafe extern "C-unwind" fn hello(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned when the name is refused.
    unsafe {
        let (from, to) = (check_bytes(l, 1), check_bytes(l, 2));
        let nonce = nonce(l);
        match Message::hello(&nonce, from, to) {
            Ok(message) => push(l, message.encode()),
            Err(_) => raise_text(l, c"a name of a node is longer than 255 bytes"),
        }
    }
}

/// `challenge() -> message`.
unsafe extern "C-unwind" fn challenge(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let nonce = nonce(l);
        push(l, Message::Challenge(VERSION, &nonce).encode())
    }
}

/// `prove(secrets, hello, challenge) -> message`.
unsafe extern "C-unwind" fn prove(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let (secrets, said) = check_said(l);
        let message = said.prove(&lines(secrets));
        push(l, message)
    }
}

/// `admit(secrets, hello, challenge, proofs) -> message`, or nil when no proof fits.
unsafe extern "C-unwind" fn admit(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let (secrets, said) = check_said(l);
        let message = match Message::decode(check_bytes(l, 4)) {
            Ok(Message::Proofs(proofs)) => said.admit(&lines(secrets), proofs),
            _ => None,
        };
        match message {
            Some(message) => push(l, message),
            None => {
                lua_pushnil(l);
                1
            }
        }
    }
}

/// `accepted(secrets, hello, challenge, accept)`: whether the callee knows one of the secrets.
unsafe extern "C-unwind" fn accepted(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let (secrets, said) = check_said(l);
        let is_accepted = match Message::decode(check_bytes(l, 4)) {
            Ok(Message::Accept(proof)) => said.is_accepted(&lines(secrets), proof),
            _ => false,
        };
        lua_pushboolean(l, is_accepted.into());
        1
    }
}

/// `refusal(text) -> message`.
unsafe extern "C-unwind" fn refusal(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let message = Message::Refusal(check_bytes(l, 1)).encode();
        push(l, message)
    }
}

/// `read(message) -> kind [, text]`: the name of the caller in a hello, the reason in a refusal.
/// Otherwise nil and what is wrong with it.
unsafe extern "C-unwind" fn read(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned while texts of the message are pushed.
    unsafe {
        let (kind, text): (&CStr, &[u8]) = match Message::decode(check_bytes(l, 1)) {
            Ok(Message::Hello(hello)) => (c"hello", hello.from),
            Ok(Message::Challenge(..)) => (c"challenge", b""),
            Ok(Message::Proofs(_)) => (c"proofs", b""),
            Ok(Message::Accept(_)) => (c"accept", b""),
            Ok(Message::Refusal(text)) => (c"refusal", text),
            Err(error) => {
                lua_pushnil(l);
                push(l, error.to_string().into_bytes());
                return 2;
            }
        };
        lua_pushstring(l, kind.as_ptr());
        push_bytes(l, text);
        2
    }
}

/// `readable_by_others(path)`: whether every user of the machine may read the file.
unsafe extern "C-unwind" fn readable_by_others(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let path = String::from_utf8_lossy(check_bytes(l, 1)).into_owned();
        let mode = std::fs::metadata(&path).map_or(0, |data| data.permissions().mode());
        drop(path);
        lua_pushboolean(l, c_int::from(mode & 0o004 != 0));
        1
    }
}
