//! An application in a few lines: what a Rust program needs to run a node of its own.
//!
//! `main.rs` and programs that embed the library use it. It puts together what the layers below
//! offer: the config, the native services and Lua modules of the program beside those that come
//! with the runtime, and the node.

use std::sync::Arc;

use crate::config::Config;
use crate::lua;
use crate::native;
use crate::node::{Context, Modules, Node, NodeSettings, RunError, Running, StartError};
use crate::service::Service;

/// A node that is being put together.
pub struct App {
    config: Config,
    modules: Modules,
    lua: lua::Runtime,
}

impl App {
    /// Starts with a config, the services that come with the runtime, and Lua.
    pub fn new(config: Config) -> Self {
        let mut modules = Modules::new();
        native::install(&mut modules);
        native::capi::install(&mut modules, &config.cpath);
        Self { config, modules, lua: lua::Runtime::new() }
    }

    /// Adds a kind of service written in Rust; see [`Modules::register`].
    #[must_use]
    pub fn service<F>(mut self, name: &str, start: F) -> Self
    where
        F: Fn(&Context, Option<&[u8]>) -> Result<Box<dyn Service>, StartError>
            + Send
            + Sync
            + 'static,
    {
        self.modules.register(name, start);
        self
    }

    /// Adds a Lua module written in Rust; see [`lua::Runtime::register_module`].
    #[must_use]
    pub fn lua_module<F, V>(mut self, name: &str, open: F) -> Self
    where
        F: Fn(&lua::mlua::Lua) -> lua::mlua::Result<V> + Send + Sync + 'static,
        V: lua::mlua::IntoLua,
    {
        self.lua.register_module(name, open);
        self
    }

    /// Makes the node; nothing runs before [`Node::run`] or [`Node::start`].
    pub fn build(mut self) -> Arc<Node> {
        self.lua.install(&mut self.modules);
        let settings = NodeSettings {
            message_log: Some(native::open_message_log),
            ..NodeSettings::of(&self.config)
        };
        Node::new(settings, self.config.environment, self.modules)
    }

    /// Makes the node and starts it on threads of its own.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub fn start(self) -> Result<Running, RunError> {
        self.build().start()
    }
}
