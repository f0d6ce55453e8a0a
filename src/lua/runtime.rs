//! What all Lua services of a node share: the code cache, the native Lua modules, the input, and
//! the slots for schemas.

use std::collections::HashMap;
use std::sync::Arc;

use mlua::{Lua, Value};

use super::codecache::CodeCache;
use super::shared::Shelf;
use super::sproto::Slots;
use super::stdin::Stdin;
use crate::node::Modules;

type Opener = Box<dyn Fn(&Lua) -> mlua::Result<Value> + Send + Sync>;

/// The Lua side of a node. Make it, register native modules, then [`Runtime::install`] it.
pub struct Runtime {
    pub(super) cache: CodeCache,
    pub(super) modules: HashMap<String, Opener>,
    pub(super) seed: u32,
    pub(super) stdin: Stdin,
    pub(super) sproto: Slots,
    pub(super) shelf: Shelf,
}

impl Runtime {
    /// Makes a runtime without native modules of the user's.
    pub fn new() -> Self {
        // Random per process, so that nobody can prepare strings that collide.
        let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0u8) as u32;
        Self {
            cache: CodeCache::default(),
            modules: HashMap::new(),
            seed,
            stdin: Stdin::default(),
            sproto: Slots::default(),
            shelf: Shelf::default(),
        }
    }

    /// Registers a Lua module written in Rust: `require "name"` in a Lua service calls `open`
    /// once in that service and returns what it made.
    pub fn register_module<F, V>(&mut self, name: &str, open: F)
    where
        F: Fn(&Lua) -> mlua::Result<V> + Send + Sync + 'static,
        V: mlua::IntoLua,
    {
        let open = move |lua: &Lua| open(lua)?.into_lua(lua);
        self.modules.insert(name.to_owned(), Box::new(open));
    }

    /// Lets a node launch Lua services (`snlua`).
    pub fn install(self, modules: &mut Modules) {
        let runtime = Arc::new(self);
        modules.register("snlua", move |context, args| {
            super::service::LuaService::start(&runtime, context, args)
        });
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Self::new()
    }
}
