//! Runs a config file as a Lua chunk and collects its global variables.
//!
//! The chunk sees nothing but its own variables and `include`; the VM is private and closed
//! before anything else starts. `settings` and `check` call this.
//!
//! A relative `include` is looked for beside the including file: the directory part of a name is
//! appended to the current prefix while that file runs (a name that starts with `/` replaces it).

use super::error::ConfigError;
use super::place::{Place, Sources};
use super::substitute::{Lookup, substitute};
use mlua::chunk::ChunkMode;
use mlua::{Lua, Table, Value};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How deep files may include each other; Lua itself gives up at about 200 nested calls.
const DEPTH_MAX: usize = 64;
/// Where the VM keeps the table of results.
const RESULT: &str = "config";

/// All that a configuration says.
#[derive(Debug, Default)]
pub(super) struct Evaluated {
    /// Every global variable, by name.
    pub(super) entries: BTreeMap<Vec<u8>, Entry>,
    /// The Lua type of a key that is no string.
    pub(super) foreign_key: Option<&'static str>,
    /// The files.
    pub(super) sources: Sources,
}

/// The value of a variable.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A string, or a number or boolean as text.
    Text(Vec<u8>),
    /// A value that cannot be a setting, by its Lua type.
    Other(&'static str),
}

/// What the evaluation knows besides the result table; kept as the VM's application data.
struct State {
    prefix: Vec<u8>,
    depth: usize,
    sources: Sources,
    variable: Lookup,
}

/// Evaluates a file.
pub(super) fn evaluate_file(path: &Path, variable: Lookup) -> Result<Evaluated, ConfigError> {
    let lua = prepare(b"./", variable);
    include(&lua, path.as_os_str().as_bytes(), None)?;
    Ok(collect(&lua))
}

/// Evaluates a text as if it were the file `name` in the directory `dir`.
pub(super) fn evaluate_text(
    name: &str,
    text: &[u8],
    dir: &Path,
    variable: Lookup,
) -> Result<Evaluated, ConfigError> {
    let prefix = [dir.as_os_str().as_bytes(), b"/"].concat();
    let lua = prepare(&prefix, variable);
    run(&lua, name, text)?;
    Ok(collect(&lua))
}

/// Names the release of Lua that runs config files and services, such as `Lua 5.5`.
pub fn lua_release() -> String {
    Lua::new().globals().get("_VERSION").expect("the base library sets a string")
}

/// Looks a variable up in the environment of the process.
pub(super) fn process_variable(name: &str) -> Option<Vec<u8>> {
    std::env::var_os(name).map(|value| value.as_bytes().to_vec())
}

fn prepare(prefix: &[u8], variable: Lookup) -> Lua {
    let lua = Lua::new();
    let state = State { prefix: prefix.to_vec(), depth: 0, sources: Sources::default(), variable };
    lua.set_app_data(state);
    make_result_table(&lua).expect("a fresh VM has room for two tables and a function");
    lua
}

/// Makes the table that chunks have as their environment; all they find in it is `include`.
fn make_result_table(lua: &Lua) -> mlua::Result<()> {
    let include = lua.create_function(|lua, name: Value| {
        let place = caller(lua);
        match name {
            Value::String(name) => include(lua, &name.as_bytes(), place),
            other => Err(ConfigError::Include { found: other.type_name(), place }),
        }
        .map_err(mlua::Error::external)
    })?;
    let meta =
        lua.create_table_from([("__index", lua.create_table_from([("include", include)])?)])?;
    let result = lua.create_table()?;
    result.set_metatable(Some(meta))?;
    lua.set_named_registry_value(RESULT, result)
}

/// The line that calls `include`.
fn caller(lua: &Lua) -> Option<Place> {
    lua.inspect_stack(1, |frame| {
        let file = frame.source().short_src?.into_owned();
        Some(Place { file, line: frame.current_line()? })
    })?
}

/// Reads and runs the file `name`, with its directory part added to the prefix meanwhile.
fn include(lua: &Lua, name: &[u8], place: Option<Place>) -> Result<(), ConfigError> {
    let saved = state(lua, |state| state.prefix.clone());
    let (prefix, path) = resolve(&saved, name);
    state(lua, |state| {
        state.prefix = prefix;
        state.depth += 1;
    });
    if state(lua, |state| state.depth) > DEPTH_MAX {
        return Err(ConfigError::Depth { limit: DEPTH_MAX, place });
    }
    run(lua, &String::from_utf8_lossy(name), &read(&path, place)?)?;
    state(lua, |state| {
        state.prefix = saved;
        state.depth -= 1;
    });
    Ok(())
}

/// Returns the prefix while the file `name` runs, and its path.
fn resolve(prefix: &[u8], name: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let directory_end = name.iter().rposition(|&byte| byte == b'/').map_or(0, |index| index + 1);
    let (directory, file) = name.split_at(directory_end);
    let base = if directory.starts_with(b"/") { b"" } else { prefix };
    let prefix = [base, directory].concat();
    let path = [&prefix, file].concat();
    (prefix, path)
}

fn read(path: &[u8], place: Option<Place>) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(OsStr::from_bytes(path)).map_err(|error| ConfigError::Open {
        path: String::from_utf8_lossy(path).into_owned(),
        reason: system_text(&error),
        place,
    })
}

/// The bare text of the operating system, without the number that Rust appends.
fn system_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn run(lua: &Lua, name: &str, text: &[u8]) -> Result<(), ConfigError> {
    state(lua, |state| state.sources.add(name, text));
    let variable = state(lua, |state| state.variable);
    let text = substitute(text, variable).map_err(|unset| ConfigError::Variable {
        name: unset.name,
        place: Place { file: name.to_owned(), line: unset.line },
    })?;
    let chunk = lua.load(text).set_name(format!("@{name}")).set_mode(ChunkMode::Text);
    chunk.set_environment(result_table(lua)).exec().map_err(|error| classify(&error))
}

fn classify(error: &mlua::Error) -> ConfigError {
    if let Some(inner) = error.downcast_ref::<ConfigError>() {
        return inner.clone();
    }
    match error {
        mlua::Error::SyntaxError { message, .. } => {
            ConfigError::Syntax { message: message.clone() }
        }
        mlua::Error::CallbackError { cause, .. } => classify(cause),
        mlua::Error::RuntimeError(message) => ConfigError::Runtime { message: first_part(message) },
        other => ConfigError::Runtime { message: other.to_string() },
    }
}

/// A Lua message without the traceback that follows it.
fn first_part(message: &str) -> String {
    message.split("\nstack traceback:").next().unwrap_or_default().to_owned()
}

fn collect(lua: &Lua) -> Evaluated {
    let sources = state(lua, |state| std::mem::take(&mut state.sources));
    let mut evaluated = Evaluated { sources, ..Evaluated::default() };
    for pair in result_table(lua).pairs::<Value, Value>() {
        let (key, value) = pair.expect("any value converts to a value");
        match key {
            Value::String(key) => {
                let entry = entry(lua, &key.as_bytes(), value);
                evaluated.entries.insert(key.as_bytes().to_vec(), entry);
            }
            other => evaluated.foreign_key = Some(other.type_name()),
        }
    }
    evaluated
}

fn entry(lua: &Lua, key: &[u8], value: Value) -> Entry {
    match value {
        Value::Boolean(flag) => Entry::Text(flag.to_string().into_bytes()),
        Value::String(_) | Value::Integer(_) | Value::Number(_) => {
            let text = lua.coerce_string(value).ok().flatten();
            Entry::Text(text.expect("these convert").as_bytes().to_vec())
        }
        Value::Table(list) if key == b"affinity" => {
            core_list(&list).map_or(Entry::Other("table"), Entry::Text)
        }
        other => Entry::Other(other.type_name()),
    }
}

/// `affinity = {0, 2}` means the same as `affinity = "0,2"`.
fn core_list(list: &Table) -> Option<Vec<u8>> {
    let cores: mlua::Result<Vec<u32>> = list.sequence_values().collect();
    let cores: Vec<String> = cores.ok()?.iter().map(u32::to_string).collect();
    Some(cores.join(",").into_bytes())
}

fn result_table(lua: &Lua) -> Table {
    lua.named_registry_value(RESULT).expect("it was put there when the VM was made")
}

fn state<R>(lua: &Lua, action: impl FnOnce(&mut State) -> R) -> R {
    let mut state = lua.app_data_mut::<State>().expect("it was put there when the VM was made");
    action(&mut state)
}
