//! The `ironsky` executable: chooses the allocator and hands over to the command line.

use ironsky::cli::{self, About, Program};
use ironsky::config::Config;
use std::process::ExitCode;

#[cfg(not(feature = "nojemalloc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

struct Ironsky;

impl Program for Ironsky {
    fn about(&self) -> About {
        let has_jemalloc = cfg!(not(feature = "nojemalloc"));
        let allocator = if has_jemalloc { "jemalloc" } else { "the C library's" };
        About { strategies: String::new(), allocator }
    }

    fn is_embedded(&self, _path: &str) -> bool {
        false
    }

    fn run_node(&self, _config: Config) -> anyhow::Result<()> {
        anyhow::bail!("this build has no node")
    }

    fn run_demo(&self) -> anyhow::Result<()> {
        anyhow::bail!("this build has no demonstration")
    }
}

fn main() -> ExitCode {
    cli::main(&Ironsky)
}
