//! The `ironsky` executable: chooses the allocator and hands over to the command line.

use ironsky::cli::{self, Program};
use ironsky::config::Config;
use std::process::ExitCode;

#[cfg(not(feature = "nojemalloc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

struct Ironsky;

impl Program for Ironsky {
    fn allocator(&self) -> &'static str {
        if cfg!(feature = "nojemalloc") { "of the C library" } else { "jemalloc" }
    }

    fn is_embedded(&self, _path: &str) -> bool {
        false
    }

    fn run_node(&self, _config: Config) -> anyhow::Result<u8> {
        anyhow::bail!("this build has no node")
    }

    fn run_demo(&self) -> anyhow::Result<u8> {
        anyhow::bail!("this build has no demonstration")
    }
}

fn main() -> ExitCode {
    cli::main(&Ironsky)
}
