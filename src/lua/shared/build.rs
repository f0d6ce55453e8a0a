//! Makes a tree of a Lua table, by the rules of the module that shares it.
//!
//! Nothing here raises: what is called of Lua's API neither allocates nor runs code, and the one
//! thing that does (dumping a function) runs protected. So the builder may be a plain value.

use std::ffi::{c_int, c_void};

use mlua::ffi::{
    self, LUA_TBOOLEAN, LUA_TFUNCTION, LUA_TLIGHTUSERDATA, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING,
    LUA_TTABLE, lua_State, lua_absindex, lua_checkstack, lua_getmetatable, lua_getupvalue,
    lua_iscfunction, lua_isinteger, lua_next, lua_pop, lua_pushcfunction, lua_pushlightuserdata,
    lua_pushnil, lua_pushvalue, lua_rawgeti, lua_rawlen, lua_toboolean, lua_tocfunction,
    lua_tointeger, lua_tolstring, lua_tonumber, lua_topointer, lua_touserdata, lua_type,
};

use super::tree::{Builder, DEPTH_MAX, TooLarge, Tree, Value};

/// What may be in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// `skynet.sharedata`: keys are texts and integers; metatables are passed over.
    Data,
    /// `sharetable.loadtable`: what can be packed.
    Table,
    /// The other ways into `skynet.sharetable`: functions without upvalues too, no metatables.
    Shared,
    /// `skynet.datasheet`: numbers have 32 bits; keys are texts and an array's positions.
    Sheet,
}

/// Why a table cannot be shared.
#[derive(Debug, thiserror::Error)]
pub(super) enum BuildError {
    #[error("Invalid key {0}")]
    Key(String),
    #[error("Unsupport value type {0}")]
    Type(&'static str),
    #[error("Invalid type [{0}]")]
    TableType(&'static str),
    #[error("Unsupport value {0}")]
    Sheet(&'static str),
    #[error("Can't share metatable")]
    Metatable,
    #[error("a __pairs has to be asked")]
    Pairs,
    #[error("Invalid function with upvalue")]
    Upvalue,
    #[error("A table that contains itself can't be shared")]
    Cycle,
    #[error("Tables nest deeper than {DEPTH_MAX}")]
    Depth,
    #[error("not enough memory")]
    Memory,
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// With the keys that lead to it.
    #[error("{1} (at [{0}])")]
    At(String, Box<BuildError>),
}

impl BuildError {
    /// Tells whether somewhere a `__pairs` has to be asked for a table's content.
    pub(super) fn wants_pairs(&self) -> bool {
        match self {
            BuildError::At(_, error) => error.wants_pairs(),
            error => matches!(error, BuildError::Pairs),
        }
    }

    /// Adds the key under which it happened.
    fn below(self, key: &str) -> Self {
        match self {
            BuildError::At(path, error) => BuildError::At(format!(".{key}{path}"), error),
            error => BuildError::At(format!(".{key}"), Box::new(error)),
        }
    }
}

/// Builds the tree of the table at `index`.
///
/// # Safety
/// Rule 1; there is a table at `index`.
pub(super) unsafe fn build(
    l: *mut lua_State,
    index: c_int,
    rules: Rules,
) -> Result<Tree, BuildError> {
    let mut walk = Walk { l, rules, builder: Builder::default(), above: Vec::new() };
    // SAFETY: as the caller's.
    unsafe { walk.table(lua_absindex(l, index))? };
    Ok(walk.builder.finish())
}

struct Walk {
    l: *mut lua_State,
    rules: Rules,
    builder: Builder,
    /// The tables around the current one, by their addresses.
    above: Vec<*const c_void>,
}

impl Walk {
    unsafe fn table(&mut self, index: c_int) -> Result<Value, BuildError> {
        let l = self.l;
        // SAFETY: rule 1; the slots are checked.
        unsafe {
            let address = lua_topointer(l, index);
            if self.above.contains(&address) {
                return Err(BuildError::Cycle);
            }
            if self.builder.depth() >= DEPTH_MAX {
                return Err(BuildError::Depth);
            }
            if lua_checkstack(l, 8) == 0 {
                return Err(BuildError::Memory);
            }
            self.check_metatable(index)?;
            self.above.push(address);
            self.builder.begin()?;
            let count = lua_rawlen(l, index) as i64;
            self.items(index, count)?;
            self.pairs(index, count)?;
            self.above.pop();
            Ok(self.builder.end()?)
        }
    }

    /// A metatable is passed over, unless it says what the table's content is.
    unsafe fn check_metatable(&self, index: c_int) -> Result<(), BuildError> {
        let l = self.l;
        // SAFETY: as `table`; a raw access by a text that may have to be made runs protected.
        unsafe {
            if lua_getmetatable(l, index) == 0 {
                return Ok(());
            }
            if self.rules == Rules::Shared {
                lua_pop(l, 1);
                return Err(BuildError::Metatable);
            }
            lua_pushcfunction(l, get_pairs);
            lua_pushvalue(l, -2);
            let status = ffi::lua_pcall(l, 1, 1, 0);
            let is_plain = status == ffi::LUA_OK && lua_type(l, -1) == LUA_TNIL;
            lua_pop(l, 2);
            if is_plain { Ok(()) } else { Err(BuildError::Pairs) }
        }
    }

    unsafe fn items(&mut self, index: c_int, count: i64) -> Result<(), BuildError> {
        for position in 1..=count {
            // SAFETY: as `table`.
            unsafe {
                lua_rawgeti(self.l, index, position);
                let value = self.value().map_err(|error| error.below(&position.to_string()))?;
                lua_pop(self.l, 1);
                self.builder.item(value);
            }
        }
        Ok(())
    }

    unsafe fn pairs(&mut self, index: c_int, count: i64) -> Result<(), BuildError> {
        let l = self.l;
        // SAFETY: as `table`; the table does not change meanwhile.
        unsafe {
            lua_pushnil(l);
            while lua_next(l, index) != 0 {
                if lua_isinteger(l, -2) != 0 && (1..=count).contains(&lua_tointeger(l, -2)) {
                    lua_pop(l, 1);
                    continue;
                }
                let place = lua_absindex(l, -2);
                let key = self.key(place)?;
                let value = self.value().map_err(|error| error.below(&self.key_text(place)))?;
                self.builder.pair(key, value);
                lua_pop(l, 1);
            }
        }
        Ok(())
    }

    /// The key at `index`.
    unsafe fn key(&mut self, index: c_int) -> Result<Value, BuildError> {
        let l = self.l;
        // SAFETY: as `table`.
        unsafe {
            let key = match lua_type(l, index) {
                LUA_TSTRING => return self.text(index),
                LUA_TNUMBER if lua_isinteger(l, index) != 0 => {
                    Value::Integer(lua_tointeger(l, index))
                }
                LUA_TNUMBER => Value::Float(lua_tonumber(l, index)),
                LUA_TBOOLEAN => Value::Boolean(lua_toboolean(l, index) != 0),
                LUA_TLIGHTUSERDATA => Value::Pointer(lua_touserdata(l, index).addr()),
                _ => return Err(BuildError::Key(self.key_text(index))),
            };
            let allowed = match self.rules {
                Rules::Table | Rules::Shared => true,
                Rules::Data => matches!(key, Value::Integer(_)),
                Rules::Sheet => false,
            };
            if allowed { Ok(key) } else { Err(BuildError::Key(self.key_text(index))) }
        }
    }

    /// The key at `index`, for a message.
    unsafe fn key_text(&self, index: c_int) -> String {
        let l = self.l;
        // SAFETY: as `table`; a string is read in place.
        unsafe {
            match lua_type(l, index) {
                LUA_TSTRING => {
                    let mut len = 0;
                    let text = lua_tolstring(l, index, &mut len);
                    let text = std::slice::from_raw_parts(text.cast(), len);
                    String::from_utf8_lossy(text).into_owned()
                }
                LUA_TNUMBER if lua_isinteger(l, index) != 0 => lua_tointeger(l, index).to_string(),
                LUA_TNUMBER => format!("{:?}", lua_tonumber(l, index)),
                LUA_TBOOLEAN => (lua_toboolean(l, index) != 0).to_string(),
                kind => type_name(kind).to_owned(),
            }
        }
    }

    /// The value on top.
    unsafe fn value(&mut self) -> Result<Value, BuildError> {
        let l = self.l;
        // SAFETY: as `table`.
        unsafe {
            match lua_type(l, -1) {
                LUA_TNIL => Ok(Value::Nil),
                LUA_TBOOLEAN => Ok(Value::Boolean(lua_toboolean(l, -1) != 0)),
                LUA_TNUMBER => Ok(self.number()),
                LUA_TSTRING => self.text(-1),
                LUA_TTABLE => self.table(lua_absindex(l, -1)),
                LUA_TLIGHTUSERDATA if matches!(self.rules, Rules::Table | Rules::Shared) => {
                    Ok(Value::Pointer(lua_touserdata(l, -1).addr()))
                }
                LUA_TFUNCTION if self.rules == Rules::Shared => self.function(),
                kind => Err(match self.rules {
                    Rules::Data => BuildError::Type(type_name(kind)),
                    Rules::Table | Rules::Shared => BuildError::TableType(type_name(kind)),
                    Rules::Sheet => BuildError::Sheet(type_name(kind)),
                }),
            }
        }
    }

    /// The number on top; a datasheet keeps 32 bits of it.
    unsafe fn number(&self) -> Value {
        let l = self.l;
        // SAFETY: as `table`.
        unsafe {
            let number = lua_tonumber(l, -1);
            if lua_isinteger(l, -1) == 0 {
                return Value::Float(if self.rules == Rules::Sheet {
                    f64::from(number as f32)
                } else {
                    number
                });
            }
            let integer = lua_tointeger(l, -1);
            if self.rules == Rules::Sheet && i32::try_from(integer).is_err() {
                return Value::Float(f64::from(number as f32));
            }
            Value::Integer(integer)
        }
    }

    unsafe fn text(&mut self, index: c_int) -> Result<Value, BuildError> {
        // SAFETY: there is a string, which is read in place.
        let text = unsafe {
            let mut len = 0;
            let text = lua_tolstring(self.l, index, &mut len);
            std::slice::from_raw_parts(text.cast::<u8>(), len)
        };
        if self.rules == Rules::Sheet && text.contains(&0) {
            return Err(BuildError::Sheet("string with a NUL"));
        }
        Ok(self.builder.text(text)?)
    }

    /// The function on top.
    unsafe fn function(&mut self) -> Result<Value, BuildError> {
        let l = self.l;
        // SAFETY: as `table`. The dump runs protected: it may want memory.
        unsafe {
            if !lua_getupvalue(l, -1, 1).is_null() {
                lua_pop(l, 1);
                return Err(BuildError::Upvalue);
            }
            if lua_iscfunction(l, -1) != 0 {
                let function = lua_tocfunction(l, -1).map_or(0, |function| function as usize);
                return Ok(Value::Native(function));
            }
            let mut code = Vec::<u8>::new();
            lua_pushcfunction(l, dump);
            lua_pushvalue(l, -2);
            lua_pushlightuserdata(l, (&raw mut code).cast());
            if ffi::lua_pcall(l, 2, 0, 0) != ffi::LUA_OK {
                lua_pop(l, 1);
                return Err(BuildError::Memory);
            }
            Ok(self.builder.code(code)?)
        }
    }
}

/// `(metatable)`: its `__pairs`.
unsafe extern "C-unwind" fn get_pairs(l: *mut lua_State) -> c_int {
    // SAFETY: `Walk::check_metatable` calls this with a table.
    unsafe {
        ffi::lua_pushstring(l, c"__pairs".as_ptr());
        ffi::lua_rawget(l, 1);
        1
    }
}

/// `(function, buffer)`: appends the function's bytecode to the buffer.
unsafe extern "C-unwind" fn dump(l: *mut lua_State) -> c_int {
    // SAFETY: `Walk::function` calls this with a pointer to its buffer.
    unsafe {
        let buffer = lua_touserdata(l, 2);
        lua_pop(l, 1);
        ffi::lua_dump(l, append, buffer, 0);
        0
    }
}

unsafe extern "C-unwind" fn append(
    _: *mut lua_State,
    bytes: *const c_void,
    len: usize,
    buffer: *mut c_void,
) -> c_int {
    if !bytes.is_null() {
        // SAFETY: Lua gives live bytes; the buffer is the one of `Walk::function`.
        unsafe {
            let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), len);
            (*buffer.cast::<Vec<u8>>()).extend_from_slice(bytes);
        }
    }
    0
}

/// Lua's name of a type.
pub(super) fn type_name(kind: c_int) -> &'static str {
    match kind {
        LUA_TNIL => "nil",
        LUA_TBOOLEAN => "boolean",
        LUA_TLIGHTUSERDATA | ffi::LUA_TUSERDATA => "userdata",
        LUA_TNUMBER => "number",
        LUA_TSTRING => "string",
        LUA_TTABLE => "table",
        LUA_TFUNCTION => "function",
        ffi::LUA_TTHREAD => "thread",
        _ => "no value",
    }
}
