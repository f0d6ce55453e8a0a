//! Where `require` finds modules: native ones by name, Lua files through the code cache, on the
//! disk and in the executable.

use std::ffi::{CStr, c_int};
use std::path::Path;
use std::ptr;

use mlua::ffi::{
    self, LUA_OK, LUA_TFUNCTION, LUA_TNIL, lua_CFunction, lua_State, lua_getfield, lua_getglobal,
    lua_pop, lua_pushcfunction, lua_pushlstring, lua_pushnil, lua_pushstring, lua_rawseti,
    lua_setfield, lua_settop, lua_tolstring, lua_type, luaL_checklstring, luaL_optlstring,
};

use super::codecache::{self, load_file};
use super::error::raise_top;
use super::library;
use super::runtime::Runtime;
use super::vm::vm_of;

/// The modules written in Rust.
const NATIVE: &[(&[u8], lua_CFunction)] = &[
    (b"skynet.native", super::native::open),
    (b"skynet.native.internal", super::native::open_internal),
    (b"skynet.core", super::core::open),
    (b"skynet.require", super::native::require::open),
    (b"skynet.coroutine", super::coroutine::open),
    (b"skynet.codecache", open_codecache),
    (b"skynet.profile", super::profile::open),
    (b"skynet.debugchannel", super::debugchannel::open),
    (b"skynet.memory", super::memory::open),
    (b"skynet.cluster.core", super::cluster::open),
    (b"skynet.cluster.native", super::cluster::handshake::open),
    (b"skynet.multicast.native", super::multicast::open),
    (b"client.socket", super::client_socket::open),
    (b"skynet.netpack", super::netpack::open),
    (b"skynet.stdin", super::stdin::open),
    (b"http.native", super::http::open),
    (b"ltls.c", super::tls::open),
    (b"ltls.init.c", super::tls::open_init),
    (b"skynet.socketdriver", super::socket::open),
    (b"skynet.crypt", super::crypt::open),
    (b"client.crypt", super::crypt::open),
    (b"skynet.json", super::json::open),
    (b"skynet.dns.packet", super::dns::open),
    (b"sproto.core", super::sproto::open),
    (b"sprotoparser", super::sproto::open_parser),
    (b"md5", super::md5::open),
    (b"md5.core", super::md5::open),
    (b"skynet.stm", super::stm::open),
    (b"skynet.socket.native", super::socket::stream::open),
    (b"skynet.shared.native", super::shared::open),
];

/// Native modules that belong to the native `skynet`. Whoever brings a `skynet` written in Lua (an
/// application with a library directory of its own) has these beside it, and they go together.
const PARTS_OF_SKYNET: [&[u8]; 2] = [b"skynet.require", b"skynet.coroutine"];

unsafe extern "C-unwind" fn open_codecache(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { codecache::open(l) };
    1
}

/// Puts our searcher in the place of the stock one for Lua files, and our `package.searchpath`.
///
/// # Safety
/// `l` runs with the stock libraries open.
pub(super) unsafe fn install(l: *mut lua_State) {
    // SAFETY: as the caller's.
    unsafe {
        lua_getglobal(l, c"package".as_ptr());
        lua_pushcfunction(l, searchpath);
        lua_setfield(l, -2, c"searchpath".as_ptr());
        lua_getfield(l, -1, c"searchers".as_ptr());
        lua_pushcfunction(l, search);
        lua_rawseti(l, -2, 2);
        lua_pop(l, 2);
    }
}

/// The searcher: `(name) -> loader, where | text`.
unsafe extern "C-unwind" fn search(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned while something may raise.
    unsafe {
        let mut len = 0;
        let name = luaL_checklstring(l, 1, &mut len);
        let name = std::slice::from_raw_parts(name.cast::<u8>(), len);
        if let Some((_, open)) = NATIVE.iter().find(|(native, _)| *native == name)
            && !(PARTS_OF_SKYNET.contains(&name) && stands_beside_skynet(l, name))
        {
            lua_pushcfunction(l, *open);
            lua_pushstring(l, c":native:".as_ptr());
            return 2;
        }
        if is_registered(l, name) {
            lua_pushcfunction(l, open_registered);
            lua_pushstring(l, c":native:".as_ptr());
            return 2;
        }
        search_file(l)
    }
}

/// Tells whether a module's Lua file is found in the directory that `skynet` comes from.
unsafe fn stands_beside_skynet(l: *mut lua_State, name: &[u8]) -> bool {
    // SAFETY: rule 4 of `vm.rs`; the path stays on the stack while it is used.
    unsafe {
        lua_getglobal(l, c"package".as_ptr());
        lua_getfield(l, -1, c"path".as_ptr());
        let path = lua_tolstring(l, -1, ptr::null_mut());
        let beside = !path.is_null() && {
            let path = CStr::from_ptr(path).to_string_lossy();
            let name = String::from_utf8_lossy(name);
            let own = template_of(&name, &path);
            own.is_some() && own == template_of("skynet", &path)
        };
        lua_pop(l, 2);
        beside
    }
}

/// Returns the template of a path that finds a module.
fn template_of<'a>(name: &str, path: &'a str) -> Option<&'a str> {
    let name = name.replace('.', "/");
    path.split(';').find(|template| is_readable(&template.replace('?', &name)))
}

/// Looks for a Lua file along `package.path`.
unsafe fn search_file(l: *mut lua_State) -> c_int {
    // SAFETY: rule 2.
    unsafe {
        lua_settop(l, 1);
        lua_getglobal(l, c"package".as_ptr());
        lua_getfield(l, 2, c"searchpath".as_ptr());
        ffi::lua_pushvalue(l, 1);
        if lua_getfield(l, 2, c"path".as_ptr()) != ffi::LUA_TSTRING {
            lua_pushstring(l, c"'package.path' must be a string".as_ptr());
            raise_top(l);
        }
        if lua_type(l, 3) != LUA_TFUNCTION {
            return 0;
        }
        ffi::lua_call(l, 2, 2);
        if lua_type(l, -2) == LUA_TNIL {
            return 1;
        }
        lua_settop(l, -2);
        let mut len = 0;
        let file = lua_tolstring(l, -1, &mut len);
        let status = load_file(vm_of(l), l, std::slice::from_raw_parts(file.cast(), len));
        if status != LUA_OK {
            let name = lua_tolstring(l, 1, ptr::null_mut());
            let why = lua_tolstring(l, -1, ptr::null_mut());
            ffi::lua_pushfstring(
                l,
                c"error loading module '%s' from file '%s':\n\t%s".as_ptr(),
                name,
                file,
                why,
            );
            ffi::lua_error(l);
        }
        ffi::lua_insert(l, -2);
        2
    }
}

/// `package.searchpath(name, path [, sep [, rep]])`, which knows embedded files too.
unsafe extern "C-unwind" fn searchpath(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. The strings made here are dropped before the result is pushed, but
    // for the one that is pushed: running out of memory right there would leak it.
    unsafe {
        let text = |index| CStr::from_ptr(luaL_checklstring(l, index, ptr::null_mut()));
        let optional = |index, default: &'static CStr| {
            CStr::from_ptr(luaL_optlstring(l, index, default.as_ptr(), ptr::null_mut()))
        };
        let (name, path) = (text(1), text(2));
        let (separator, replacement) = (optional(3, c"."), optional(4, c"/"));
        let found = find(name, path, separator, replacement);
        match found {
            Ok(file) => {
                lua_pushlstring(l, file.as_ptr().cast(), file.len());
                1
            }
            Err(tried) => {
                lua_pushnil(l);
                lua_pushlstring(l, tried.as_ptr().cast(), tried.len());
                2
            }
        }
    }
}

/// Returns the first file along a path that can be read, or the text that lists what was tried.
fn find(name: &CStr, path: &CStr, separator: &CStr, replacement: &CStr) -> Result<String, String> {
    let text = |c: &CStr| c.to_string_lossy().into_owned();
    let (mut name, separator) = (text(name), text(separator));
    if !separator.is_empty() {
        name = name.replace(&separator, &text(replacement));
    }
    let mut tried = Vec::new();
    for template in text(path).split(';').filter(|template| !template.is_empty()) {
        let file = template.replace('?', &name);
        if is_readable(&file) {
            return Ok(file);
        }
        tried.push(format!("no file '{file}'"));
    }
    Err(tried.join("\n\t"))
}

fn is_readable(file: &str) -> bool {
    match file.starts_with(library::PREFIX) {
        true => library::embedded(file).is_some(),
        false => Path::new(file).is_file() && std::fs::File::open(file).is_ok(),
    }
}

/// Tells whether a Rust program registered a module under a name.
unsafe fn is_registered(l: *mut lua_State, name: &[u8]) -> bool {
    // SAFETY: rule 1.
    let runtime: &Runtime = unsafe { &(*vm_of(l)).runtime };
    let modules = &runtime.modules;
    !modules.is_empty() && std::str::from_utf8(name).is_ok_and(|name| modules.contains_key(name))
}

/// Opens a module that a Rust program registered; its name is the first argument.
unsafe extern "C-unwind" fn open_registered(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. `make_registered` has dropped everything when it returns.
    unsafe {
        let name = CStr::from_ptr(luaL_checklstring(l, 1, ptr::null_mut()));
        if !make_registered(l, name) {
            raise_top(l);
        }
        // The value is in package.loaded, as for any module.
        lua_getfield(l, ffi::LUA_REGISTRYINDEX, c"_LOADED".as_ptr());
        lua_getfield(l, -1, name.as_ptr());
        1
    }
}

/// Calls the module's opener and puts its value into `package.loaded`; an error text is pushed.
unsafe fn make_registered(l: *mut lua_State, name: &CStr) -> bool {
    // SAFETY: the state is live and this thread runs it; mlua protects its own calls.
    let error = unsafe {
        let lua = mlua::Lua::get_or_init_from_ptr(l);
        let name = name.to_string_lossy();
        let runtime: &Runtime = &(*vm_of(l)).runtime;
        let Some(open) = runtime.modules.get(&*name) else { return true };
        let opened = open(lua).and_then(|value| {
            let package: mlua::Table = lua.globals().get("package")?;
            let loaded: mlua::Table = package.get("loaded")?;
            loaded.set(&*name, value)
        });
        match opened {
            Ok(()) => return true,
            Err(error) => error.to_string(),
        }
    };
    // SAFETY: rule 4. Running out of memory right here would leak the text.
    unsafe { lua_pushlstring(l, error.as_ptr().cast(), error.len()) };
    false
}
