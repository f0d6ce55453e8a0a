//! The module `ltls.c`: TLS over strings. Used by `lualib/http/tlshelper.lua` and by applications.
//!
//! Contexts and sessions are userdata that hold the Rust values themselves. A function here first
//! takes its strings, then makes a reference to its value and works without Lua, then pushes what
//! came out: a finalizer that runs in between may use the same value. Strings that are being
//! pushed are the only thing owned at that time (running out of memory right there leaks one).

use std::ffi::{CStr, c_int};
use std::mem::{size_of, take};

use mlua::ffi::{
    LUA_TLIGHTUSERDATA, LUA_TNIL, lua_CFunction, lua_State, lua_createtable, lua_gettop,
    lua_newuserdatauv, lua_pushboolean, lua_pushcfunction, lua_pushinteger, lua_pushlightuserdata,
    lua_pushlstring, lua_pushnil, lua_pushvalue, lua_setfield, lua_setmetatable, lua_toboolean,
    lua_touserdata, lua_type, luaL_checklstring, luaL_checktype, luaL_checkudata,
    luaL_newmetatable, luaL_testudata,
};

use super::error::raise_top;
use super::native::set_functions;
use super::vm::vm_of;
use crate::tls::{Context, Role, Session, TlsError};

const CONTEXT: &CStr = c"ironsky.tls.context";
const SESSION: &CStr = c"ironsky.tls.session";

/// Opens `ltls.c`.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 3);
        set_functions(l, &[(c"newctx", new_context), (c"newtls", new_session), (c"adopt", adopt)]);
        1
    }
}

/// Opens `ltls.init.c`. The library needs no beginning and no end.
pub(super) unsafe extern "C-unwind" fn open_init(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 2);
        set_functions(l, &[(c"constructor", nothing), (c"destructor", nothing)]);
        1
    }
}

unsafe extern "C-unwind" fn nothing(_: *mut lua_State) -> c_int {
    0
}

/// Puts a value into a new userdata with the metatable `name`, which is made at its first use.
unsafe fn push_object<T>(
    l: *mut lua_State,
    (name, functions, finalizer): (&CStr, &[(&'static CStr, lua_CFunction)], lua_CFunction),
    make: impl FnOnce() -> Result<T, String>,
) -> c_int {
    // SAFETY: rule 2: the value is made when nothing can raise any more but for its failure.
    unsafe {
        if luaL_newmetatable(l, name.as_ptr()) != 0 {
            set_functions(l, functions);
            lua_pushvalue(l, -1);
            lua_setfield(l, -2, c"__index".as_ptr());
            lua_pushcfunction(l, finalizer);
            lua_setfield(l, -2, c"__gc".as_ptr());
        }
        let slot = lua_newuserdatauv(l, size_of::<Option<T>>(), 0).cast::<Option<T>>();
        slot.write(None);
        match make() {
            Ok(value) => slot.write(Some(value)),
            Err(text) => fail(l, text),
        }
        lua_pushvalue(l, -2);
        lua_setmetatable(l, -2);
        1
    }
}

/// The finalizer of contexts: the value goes, the userdata stays an empty one.
unsafe extern "C-unwind" fn collect_context(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { collect::<Context>(l, CONTEXT) }
}

/// The finalizer of sessions.
unsafe extern "C-unwind" fn collect_session(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { collect::<Session>(l, SESSION) }
}

/// Drops the value of a userdata that has the metatable `name`; anybody may call a finalizer.
unsafe fn collect<T>(l: *mut lua_State, name: &CStr) -> c_int {
    // SAFETY: the metatable says what the userdata holds.
    unsafe {
        let slot = luaL_testudata(l, 1, name.as_ptr()).cast::<Option<T>>();
        if !slot.is_null() {
            *slot = None;
        }
        0
    }
}

/// Raises a text.
unsafe fn fail(l: *mut lua_State, text: String) -> ! {
    // SAFETY: the text is dropped before the error leaves.
    unsafe {
        lua_pushlstring(l, text.as_ptr().cast(), text.len());
        drop(text);
        raise_top(l)
    }
}

unsafe fn context<'a>(l: *mut lua_State, index: c_int) -> &'a mut Context {
    // SAFETY: the metatable says what it is; rule 1 for the reference.
    unsafe {
        let slot = luaL_checkudata(l, index, CONTEXT.as_ptr()).cast::<Option<Context>>();
        match &mut *slot {
            Some(context) => context,
            None => fail(l, TlsError::Closed.to_string()),
        }
    }
}

unsafe fn session<'a>(l: *mut lua_State) -> &'a mut Session {
    // SAFETY: as `context`.
    unsafe {
        let slot = luaL_checkudata(l, 1, SESSION.as_ptr()).cast::<Option<Session>>();
        match &mut *slot {
            Some(session) => session,
            None => fail(l, TlsError::Closed.to_string()),
        }
    }
}

/// Returns a string argument. It lives as long as it is on the stack.
unsafe fn bytes<'a>(l: *mut lua_State, index: c_int) -> &'a [u8] {
    // SAFETY: rule 2; Lua keeps arguments alive.
    unsafe {
        let mut len = 0;
        let text = luaL_checklstring(l, index, &mut len);
        std::slice::from_raw_parts(text.cast(), len)
    }
}

/// Returns a string argument that may be missing.
unsafe fn optional_bytes<'a>(l: *mut lua_State, index: c_int) -> Option<&'a [u8]> {
    // SAFETY: as `bytes`.
    unsafe { (lua_type(l, index) > LUA_TNIL).then(|| bytes(l, index)) }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Pushes bytes as a string.
unsafe fn push(l: *mut lua_State, bytes: Vec<u8>) -> c_int {
    // SAFETY: see the top of the file.
    unsafe { lua_pushlstring(l, bytes.as_ptr().cast(), bytes.len()) };
    1
}

const CONTEXT_METHODS: &[(&CStr, lua_CFunction)] = &[
    (c"set_cert", set_cert),
    (c"set_ciphers", set_ciphers),
    (c"set_verify", set_verify),
    (c"set_ca", set_ca),
    (c"set_peers", set_peers),
    (c"set_names", set_names),
    (c"set_alpn", set_alpn),
];

/// `newctx()`: a context as the config says (`tls_verify`, `tls_ca`).
unsafe extern "C-unwind" fn new_context(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the settings are read when nothing else is owned.
    unsafe {
        let vm = vm_of(l);
        push_object(l, (CONTEXT, CONTEXT_METHODS, collect_context), || {
            let environment = (*vm).context.node().environment();
            let mut context = Context::default();
            if environment.get("tls_verify").is_some_and(|value| value.to_bytes() == b"false") {
                context.set_verify(false);
            }
            if let Some(file) = environment.get("tls_ca") {
                let file = text(file.to_bytes());
                context.set_roots(&file).map_err(|error| format!("tls_ca: {error}"))?;
            }
            Ok(context)
        })
    }
}

/// `ctx:set_cert(certfile, keyfile)`.
unsafe extern "C-unwind" fn set_cert(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let Some(chain) = optional_bytes(l, 2) else { fail(l, "need certfile".to_owned()) };
        let Some(key) = optional_bytes(l, 3) else { fail(l, "need private key".to_owned()) };
        let error = context(l, 1).set_certificate(&text(chain), &text(key)).err();
        if let Some(error) = error.map(|error| set_cert_error(&error, &text(key))) {
            fail(l, error);
        }
        0
    }
}

/// Which of OpenSSL's calls would have failed, and why.
fn set_cert_error(error: &TlsError, key: &str) -> String {
    let call = match error {
        TlsError::File { path, .. } if path == key => "SSL_CTX_use_PrivateKey_file",
        TlsError::File { .. } => "SSL_CTX_use_certificate_chain_file",
        _ => "SSL_CTX_check_private_key",
    };
    format!("{call} error:{error}")
}

/// `ctx:set_ciphers(list)`.
unsafe extern "C-unwind" fn set_ciphers(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let Some(list) = optional_bytes(l, 2) else { fail(l, "need cipher list".to_owned()) };
        let error = context(l, 1).set_ciphers(&text(list)).err();
        if let Some(error) = error.map(|error| error.to_string()) {
            fail(l, error);
        }
        0
    }
}

/// `ctx:set_verify(flag)`: whether a client checks its server's certificate.
unsafe extern "C-unwind" fn set_verify(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        context(l, 1).set_verify(lua_toboolean(l, 2) != 0);
        0
    }
}

/// `ctx:set_ca(file)`: the roots that servers are checked with.
unsafe extern "C-unwind" fn set_ca(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let file = bytes(l, 2);
        let error = context(l, 1).set_roots(&text(file)).err();
        if let Some(error) = error.map(|error| error.to_string()) {
            fail(l, error);
        }
        0
    }
}

/// `ctx:set_peers(file)`: the roots that both ends are checked with; a server asks for a
/// certificate.
unsafe extern "C-unwind" fn set_peers(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let file = bytes(l, 2);
        let error = context(l, 1).set_peers(&text(file)).err();
        if let Some(error) = error.map(|error| error.to_string()) {
            fail(l, error);
        }
        0
    }
}

/// `ctx:set_names(name, ...)`: names of which a server's certificate may have one in the place of
/// its host's.
unsafe extern "C-unwind" fn set_names(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; all arguments are checked before something is owned.
    unsafe {
        let last = lua_gettop(l);
        for index in 2..=last {
            bytes(l, index);
        }
        let context = context(l, 1);
        let names: Vec<String> = (2..=last).map(|index| text(bytes(l, index))).collect();
        context.set_names(&names);
        0
    }
}

/// `ctx:set_alpn(protocol, ...)`.
unsafe extern "C-unwind" fn set_alpn(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; all arguments are checked before something is owned.
    unsafe {
        let last = lua_gettop(l);
        for index in 2..=last {
            bytes(l, index);
        }
        let context = context(l, 1);
        context.set_protocols((2..=last).map(|index| bytes(l, index).to_vec()).collect());
        0
    }
}

const SESSION_METHODS: &[(&CStr, lua_CFunction)] = &[
    (c"handshake", handshake),
    (c"finished", finished),
    (c"read", read),
    (c"write", write),
    (c"set_ext_host_name", set_ext_host_name),
    (c"alpn", alpn),
    (c"close", close),
    (c"release", release),
];

/// `newtls(method, ctx [, hostname])`.
unsafe extern "C-unwind" fn new_session(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let method = bytes(l, 1);
        let role = match method {
            b"client" => Role::Client,
            b"server" => Role::Server,
            _ => fail(l, format!("invalid method:{} e.g[server, client]", text(method))),
        };
        let name = optional_bytes(l, 3);
        // Raises now if it is none; the reference is made where nothing calls Lua.
        context(l, 2);
        push_object(l, (SESSION, SESSION_METHODS, collect_session), || {
            Session::new(role, context(l, 2), name.map(text)).map_err(|error| error.to_string())
        })
    }
}

/// `tls:release() -> pointer`: takes the session out, for another service, which owns it then and
/// gives the pointer to `adopt` once.
unsafe extern "C-unwind" fn release(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the metatable says what the userdata holds. Pushing a pointer does
    // not raise.
    unsafe {
        let slot = luaL_checkudata(l, 1, SESSION.as_ptr()).cast::<Option<Session>>();
        match (*slot).take() {
            Some(session) => lua_pushlightuserdata(l, Box::into_raw(Box::new(session)).cast()),
            None => fail(l, TlsError::Closed.to_string()),
        }
        1
    }
}

/// `adopt(pointer) -> tls`: a session that another service has released.
unsafe extern "C-unwind" fn adopt(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the pointer is one of `release`, which gave the session away.
    unsafe {
        luaL_checktype(l, 1, LUA_TLIGHTUSERDATA);
        let released = lua_touserdata(l, 1).cast::<Session>();
        push_object(l, (SESSION, SESSION_METHODS, collect_session), || {
            if released.is_null() {
                return Err(TlsError::Closed.to_string());
            }
            Ok(*Box::from_raw(released))
        })
    }
}

/// `tls:handshake([data])`: what to send to the peer, if anything.
unsafe extern "C-unwind" fn handshake(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let data = optional_bytes(l, 2).unwrap_or_default();
        let session = session(l);
        if let Err(error) = session.handshake(data) {
            fail(l, handshake_error(error));
        }
        match take(session.output()) {
            output if output.is_empty() => 0,
            output => push(l, output),
        }
    }
}

fn handshake_error(error: TlsError) -> String {
    match error {
        TlsError::Finished | TlsError::Closed => error.to_string(),
        _ => format!("SSL_do_handshake error:{error}"),
    }
}

/// `tls:finished()`: whether the handshake is over.
unsafe extern "C-unwind" fn finished(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        match session(l).is_finished() {
            Ok(finished) => lua_pushboolean(l, finished.into()),
            Err(error) => fail(l, dropped(error)),
        }
        1
    }
}

/// The text of an error, without the error.
fn dropped(error: TlsError) -> String {
    error.to_string()
}

/// `tls:read([data]) -> text, ended`: what has been decrypted, and whether the peer has said that
/// it sends nothing more. An error of the peer comes after the last text.
unsafe extern "C-unwind" fn read(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let data = optional_bytes(l, 2).unwrap_or_default();
        let session = session(l);
        if let Err(error) = session.feed(data)
            && session.plain().is_empty()
        {
            fail(l, read_error(error));
        }
        let (text, ended) = (take(session.plain()), session.has_ended());
        push(l, text);
        lua_pushboolean(l, ended.into());
        2
    }
}

fn read_error(error: TlsError) -> String {
    match error {
        TlsError::Closed => error.to_string(),
        _ => format!("SSL_read error:{error}"),
    }
}

/// `tls:write([data])`: everything that is to be sent.
unsafe extern "C-unwind" fn write(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let data = optional_bytes(l, 2);
        let session = session(l);
        let result = match data {
            Some(data) => session.write(data),
            None => session.is_finished().map(|_| ()),
        };
        if let Err(error) = result {
            fail(l, dropped(error));
        }
        push(l, take(session.output()))
    }
}

/// `tls:set_ext_host_name(name)`: 1, or 0 after the handshake has begun.
unsafe extern "C-unwind" fn set_ext_host_name(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let name = bytes(l, 2);
        let session = session(l);
        match session.set_name(text(name)) {
            Ok(set) => lua_pushinteger(l, set.into()),
            Err(error) => fail(l, dropped(error)),
        }
        1
    }
}

/// `tls:alpn()`: the protocol that both ends agreed on.
unsafe extern "C-unwind" fn alpn(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        match session(l).protocol().map(<[u8]>::to_vec) {
            Some(name) => push(l, name),
            None => {
                lua_pushnil(l);
                1
            }
        }
    }
}

/// `tls:close()`: the farewell for the peer, if there is one.
unsafe extern "C-unwind" fn close(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let session = session(l);
        session.close();
        match take(session.output()) {
            output if output.is_empty() => 0,
            output => push(l, output),
        }
    }
}
