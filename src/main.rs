//! The `ironsky` executable: chooses the allocator and hands over to the command line.

use ironsky::app::App;
use ironsky::cli::{self, Program};
use ironsky::config::{Config, Environment};
use ironsky::lua;
use ironsky::sync::describe;
use std::process::ExitCode;
use std::time::Duration;

#[cfg(not(feature = "nojemalloc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

struct Ironsky;

/// How long an orderly end may take after SIGTERM or SIGINT.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);

impl Program for Ironsky {
    fn allocator(&self) -> &'static str {
        if cfg!(feature = "nojemalloc") { "of the C library" } else { "jemalloc" }
    }

    fn is_embedded(&self, path: &str) -> bool {
        lua::embedded(&format!("ironsky:{path}")).is_some()
    }

    fn run_node(&self, config: Config) -> anyhow::Result<u8> {
        tell_services(&config.environment);
        // Without it memory comes back later, which is no reason not to start.
        let _ = lua::return_unused_memory();
        let node = App::new(config).build();
        node.handle_signals(SHUTDOWN_LIMIT)?;
        Ok(node.run()?)
    }

    fn run_demo(&self) -> anyhow::Result<u8> {
        self.run_node(Config::from_pairs(DEMO)?)
    }
}

/// The demo's config: only embedded files, so that it is the same in every directory.
const DEMO: [(&str, &str); 5] = [
    ("harbor", "0"),
    ("start", "demo"),
    ("lualoader", "ironsky:lualib/loader.lua"),
    ("lua_path", ""),
    ("luaservice", ""),
];

/// Lets services ask with `skynet.getenv` what runs them.
fn tell_services(environment: &Environment) {
    // A config that sets these keys itself has its reasons.
    let _ = environment.set("ironsky_version", env!("CARGO_PKG_VERSION"));
    let _ = environment.set("ironsky_strategy", describe().to_string());
}

fn main() -> ExitCode {
    cli::main(&Ironsky)
}
