//! A Lua module written in Rust: Lua services `require` it like any other.
//!
//! Run it with `cargo run --example native_module`.

use ironsky::app::App;
use ironsky::config::Config;
use ironsky::lua::mlua::{Lua, Result, Table};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes the module. Runs once in each Lua service that requires it; what the services share is
/// captured, and is thread-safe because services run on several threads.
fn open_words(lua: &Lua, words_seen: &Arc<AtomicU64>) -> Result<Table> {
    let module = lua.create_table()?;
    let seen = Arc::clone(words_seen);
    let split = move |lua: &Lua, text: String| {
        let words: Vec<&str> = text.split_whitespace().collect();
        seen.fetch_add(words.len() as u64, Ordering::Relaxed);
        lua.create_sequence_from(words)
    };
    module.set("split", lua.create_function(split)?)?;
    let seen = Arc::clone(words_seen);
    module.set("seen", lua.create_function(move |_, ()| Ok(seen.load(Ordering::Relaxed)))?)?;
    Ok(module)
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let config = Config::from_pairs([
        ("harbor", "0"),
        ("start", "uses_words"),
        ("luaservice", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/lua/?.lua")),
    ])?;
    let words_seen = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&words_seen);
    let app = App::new(config).lua_module("words", move |lua| open_words(lua, &words_seen));
    let status = app.start()?.wait()?;
    println!("status {status}, {} words seen", seen.load(Ordering::Relaxed));
    Ok(())
}
