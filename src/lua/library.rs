//! The Lua files that are part of the executable: `lualib/` and `service/`.
//!
//! They are found under paths that begin with `ironsky:`, which the search patterns of every
//! service end with. So a file in a directory of the config wins.

use std::path::Path;

use include_dir::{Dir, include_dir};

/// What paths of embedded files begin with.
pub(super) const PREFIX: &str = "ironsky:";

/// Added behind the configured `lua_path`.
pub(super) const LUA_PATH: &str = ";ironsky:lualib/?.lua;ironsky:lualib/?/init.lua";

/// Added behind the configured `luaservice`.
pub(super) const LUA_SERVICE: &str = ";ironsky:service/?.lua";

/// The loader script, when the configured one is not there.
pub(super) const LOADER: &str = "ironsky:lualib/loader.lua";

static LUALIB: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/lualib");
static SERVICE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/service");

/// Returns the text of an embedded file; `path` begins with `ironsky:`.
pub fn embedded(path: &str) -> Option<&'static [u8]> {
    let path = Path::new(path.strip_prefix(PREFIX)?);
    let (dir, name) = match path.strip_prefix("lualib") {
        Ok(name) => (&LUALIB, name),
        Err(_) => (&SERVICE, path.strip_prefix("service").ok()?),
    };
    dir.get_file(name).map(|file| file.contents())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loader_and_bootstrap_are_embedded() {
        assert!(embedded(LOADER).is_some());
        assert!(embedded("ironsky:service/bootstrap.lua").is_some());
        assert!(embedded("ironsky:service/../Cargo.toml").is_none());
        assert!(embedded("service/bootstrap.lua").is_none());
    }
}
