//! The code cache: a file is compiled once per process. Spec: runtime section 9.8.
//!
//! Stock Lua cannot share functions between states, so the cache keeps bytecode (with its debug
//! information). Lua 5.5 runs code straight out of such a buffer when told that it stays ("B"
//! mode): services then share instructions and line numbers. A service holds the chunks that its
//! functions point into, so code that is replaced goes when its last user has gone.

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int};
use std::fs::File;
use std::io::Read;
use std::ptr;
use std::sync::Arc;

use mlua::ffi::{
    self, LUA_OK, LUA_TNIL, lua_State, lua_createtable, lua_gettop, lua_insert, lua_isnone,
    lua_pushcfunction, lua_pushlstring, lua_pushnil, lua_pushstring, lua_pushvalue, lua_setfield,
    lua_settop, lua_setupvalue, lua_tolstring, luaL_checklstring, luaL_checkoption,
    luaL_loadbufferx, luaL_optlstring,
};

use super::library;
use super::runtime::Runtime;
use super::vm::{Vm, vm_of};
use crate::sync::{RwLock, Selected, class};

/// How one service uses the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Mode {
    /// Uses and fills it.
    #[default]
    On,
    /// Neither uses nor fills it.
    Off,
    /// Uses what is there.
    Exist,
}

const MODES: [(Mode, &CStr); 3] = [(Mode::On, c"ON"), (Mode::Off, c"OFF"), (Mode::Exist, c"EXIST")];

/// Bytecode at an address that Lua may run it from (aligned, never moved).
pub(super) struct Chunk {
    words: Box<[u64]>,
    len: usize,
}

impl Chunk {
    fn new(bytes: &[u8]) -> Self {
        let mut words = vec![0u64; bytes.len().div_ceil(8)];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks(8)) {
            let mut padded = [0u8; 8];
            padded[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_ne_bytes(padded);
        }
        Self { words: words.into_boxed_slice(), len: bytes.len() }
    }

    fn as_ptr(&self) -> *const c_char {
        self.words.as_ptr().cast()
    }
}

type Chunks = HashMap<Box<[u8]>, Arc<Chunk>>;

/// Compiled files by the exact name they were loaded under.
#[derive(Default)]
pub(super) struct CodeCache {
    chunks: RwLock<Selected, class::CodeCache, Chunks>,
}

impl CodeCache {
    fn get(&self, name: &[u8]) -> Option<Arc<Chunk>> {
        self.chunks.read().get(name).cloned()
    }

    /// Enters a chunk; if somebody was faster, theirs wins.
    fn enter(&self, name: &[u8], chunk: Chunk) -> Arc<Chunk> {
        let mut chunks = self.chunks.write();
        Arc::clone(chunks.entry(name.into()).or_insert_with(|| Arc::new(chunk)))
    }

    fn clear(&self) {
        let old = std::mem::take(&mut *self.chunks.write());
        // Freed without the lock.
        drop(old);
    }
}

/// Why a file did not load: the text for Lua, and Lua's status.
struct LoadError {
    text: Vec<u8>,
    status: c_int,
}

/// Loads a file: pushes its function, or an error text; returns Lua's status.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn load_file(vm: *mut Vm, l: *mut lua_State, name: &[u8]) -> c_int {
    // SAFETY: as the caller's; the error's text is pushed by a function that owns nothing else.
    match unsafe { try_load(vm, l, name) } {
        Ok(()) => LUA_OK,
        Err(error) => {
            let status = error.status;
            // SAFETY: rule 4. Were this to run out of memory, the text would leak; nothing worse.
            unsafe { lua_pushlstring(l, error.text.as_ptr().cast(), error.text.len()) };
            status
        }
    }
}

unsafe fn try_load(vm: *mut Vm, l: *mut lua_State, name: &[u8]) -> Result<(), LoadError> {
    // SAFETY: rule 1.
    let (mode, runtime) = unsafe { ((*vm).cache_mode, &(*vm).runtime) };
    let cached = if mode == Mode::Off { None } else { runtime.cache.get(name) };
    let chunk = match cached {
        Some(chunk) => chunk,
        None => {
            let chunk = compile(name, &read(name)?)?;
            match mode {
                Mode::On => runtime.cache.enter(name, chunk),
                Mode::Off | Mode::Exist => Arc::new(chunk),
            }
        }
    };
    // SAFETY: as the caller's.
    unsafe { instantiate(vm, l, chunk) }
}

/// Makes a function of a chunk, which the service keeps from now on.
unsafe fn instantiate(vm: *mut Vm, l: *mut lua_State, chunk: Arc<Chunk>) -> Result<(), LoadError> {
    // "B": the buffer stays where it is for as long as the state lives (Lua 5.5).
    let mode = if cfg!(feature = "lua55") { c"B" } else { c"b" };
    // SAFETY: rule 1; loading is protected and reports errors by its status. The chunk outlives
    // the state: the Vm keeps it.
    unsafe {
        let (bytes, len) = (chunk.as_ptr(), chunk.len);
        if !(*vm).chunks.iter().any(|kept| Arc::ptr_eq(kept, &chunk)) {
            (*vm).chunks.push(chunk);
        }
        // The chunk knows its name; this one is for errors in the bytecode itself.
        let status = luaL_loadbufferx(l, bytes, len, c"=bytecode".as_ptr(), mode.as_ptr());
        if status == LUA_OK {
            return Ok(());
        }
        let mut size = 0;
        let text = lua_tolstring(l, -1, &mut size);
        let text = std::slice::from_raw_parts(text.cast(), size).to_vec();
        ffi::lua_pop(l, 1);
        Err(LoadError { text, status })
    }
}

/// Reads a file of the disk or of the executable.
fn read(name: &[u8]) -> Result<Vec<u8>, LoadError> {
    let path = String::from_utf8_lossy(name);
    if path.starts_with(library::PREFIX) {
        let text = library::embedded(&path).map(<[u8]>::to_vec);
        return text.ok_or_else(|| cannot("open", &path, "No such file or directory"));
    }
    let mut file = File::open(&*path).map_err(|e| cannot("open", &path, &plain(&e)))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(|e| cannot("read", &path, &plain(&e)))?;
    Ok(text)
}

fn cannot(what: &str, path: &str, why: &str) -> LoadError {
    LoadError {
        text: format!("cannot {what} {path}: {why}").into_bytes(),
        status: ffi::LUA_ERRERR + 1,
    }
}

/// The system's own words, without Rust's error number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Compiles a text (or takes bytecode as it is).
fn compile(name: &[u8], text: &[u8]) -> Result<Chunk, LoadError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if text.starts_with(b"\x1bLua") {
        return Ok(Chunk::new(text));
    }
    // A first line with # is a shell's; its newline stays, so that line numbers are right.
    let text = match text.first() {
        Some(b'#') => &text[text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len())..],
        _ => text,
    };
    let lua = mlua::Lua::new_with(mlua::StdLib::NONE, mlua::LuaOptions::default())
        .map_err(|error| syntax_error(&error))?;
    let name = format!("@{}", String::from_utf8_lossy(name));
    let function = lua
        .load(text)
        .set_name(name)
        .set_mode(mlua::chunk::ChunkMode::Text)
        .into_function()
        .map_err(|error| syntax_error(&error))?;
    Ok(Chunk::new(&function.dump(false)))
}

fn syntax_error(error: &mlua::Error) -> LoadError {
    let text = match error {
        mlua::Error::SyntaxError { message, .. } => message.clone(),
        other => other.to_string(),
    };
    LoadError { text: text.into_bytes(), status: ffi::LUA_ERRSYNTAX }
}

/// `loadfile([filename [, mode [, env]]])`, through the cache.
pub(super) unsafe extern "C-unwind" fn loadfile(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; load_file owns nothing when it returns.
    unsafe {
        let vm = vm_of(l);
        let name = luaL_optlstring(l, 1, ptr::null(), ptr::null_mut());
        let mode = luaL_optlstring(l, 2, ptr::null(), ptr::null_mut());
        let has_env = lua_isnone(l, 3) == 0;
        let status = match name.is_null() {
            // Standard input is never cached.
            true => ffi::luaL_loadfilex(l, ptr::null(), mode),
            false => load_file(vm, l, CStr::from_ptr(name).to_bytes()),
        };
        if status != LUA_OK {
            lua_pushnil(l);
            lua_insert(l, -2);
            return 2;
        }
        if has_env {
            lua_pushvalue(l, 3);
            if lua_setupvalue(l, -2, 1).is_null() {
                lua_settop(l, -2);
            }
        }
        1
    }
}

/// `dofile([filename])`, through the cache.
pub(super) unsafe extern "C-unwind" fn dofile(l: *mut lua_State) -> c_int {
    // SAFETY: as `loadfile`.
    unsafe {
        lua_settop(l, 1);
        let name = luaL_optlstring(l, 1, ptr::null(), ptr::null_mut());
        let status = match name.is_null() {
            true => ffi::luaL_loadfilex(l, ptr::null(), ptr::null()),
            false => load_file(vm_of(l), l, CStr::from_ptr(name).to_bytes()),
        };
        if status != LUA_OK {
            ffi::lua_error(l);
        }
        ffi::lua_callk(l, 0, ffi::LUA_MULTRET, 0, Some(dofile_done));
        dofile_done(l, LUA_OK, 0)
    }
}

unsafe extern "C-unwind" fn dofile_done(
    l: *mut lua_State,
    _status: c_int,
    _context: ffi::lua_KContext,
) -> c_int {
    // SAFETY: the file name is below the results.
    unsafe { lua_gettop(l) - 1 }
}

/// Pushes the module `skynet.codecache`.
///
/// # Safety
/// `l` runs.
pub(super) unsafe fn open(l: *mut lua_State) {
    // SAFETY: as the caller's. One table a service: the second caller gets the first's.
    unsafe {
        if ffi::lua_getfield(l, ffi::LUA_REGISTRYINDEX, c"ironsky.codecache".as_ptr()) != LUA_TNIL {
            return;
        }
        ffi::lua_pop(l, 1);
        lua_createtable(l, 0, 3);
        lua_pushcfunction(l, clear);
        lua_setfield(l, -2, c"clear".as_ptr());
        lua_pushcfunction(l, mode);
        lua_setfield(l, -2, c"mode".as_ptr());
        lua_pushcfunction(l, loadfile);
        lua_setfield(l, -2, c"loadfile".as_ptr());
        lua_pushvalue(l, -1);
        lua_setfield(l, ffi::LUA_REGISTRYINDEX, c"ironsky.codecache".as_ptr());
    }
}

/// `clear()`: the whole process compiles files anew.
unsafe extern "C-unwind" fn clear(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe {
        let runtime: &Runtime = &(*vm_of(l)).runtime;
        runtime.cache.clear();
    }
    0
}

/// `mode([m])`.
unsafe extern "C-unwind" fn mode(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm; the list of names ends with a null.
    unsafe {
        let vm = vm_of(l);
        if lua_gettop(l) == 0 {
            let name = MODES.iter().find(|(mode, _)| *mode == (*vm).cache_mode);
            lua_pushstring(l, name.map_or(c"ON", |(_, name)| name).as_ptr());
            return 1;
        }
        luaL_checklstring(l, 1, ptr::null_mut());
        let names = [MODES[0].1.as_ptr(), MODES[1].1.as_ptr(), MODES[2].1.as_ptr(), ptr::null()];
        let chosen = luaL_checkoption(l, 1, ptr::null(), names.as_ptr());
        (*vm).cache_mode = MODES.get(chosen as usize).map_or(Mode::On, |(mode, _)| *mode);
        0
    }
}
