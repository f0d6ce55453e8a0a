//! `ironsky lab actors` and `ironsky lab lua`: their options.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::lab::actors;
use crate::lab::lua::{self, LuaLabError};
use crate::lab::options::{self, LabError};
use crate::lab::record::Report;
use crate::lab::run::Watch;

const ACTORS_EXAMPLES: &str = "\
Examples:
  ironsky lab actors                         what differs from the default in one part: a minute
  ironsky lab actors --all --workers 2       the whole cross product of strategies
  ironsky lab actors --only ring,mixed       two of the workloads
  ironsky lab actors --only mutex+slots+locked+futex,mixed
                                             one strategy beside the default, one workload

Workloads: pair, pairs, fan-in, fan-out, ring, mixed. A strategy is called
EXCLUSIVE+SHARED+QUEUE+PARKER.";

const LUA_EXAMPLES: &str = "\
Examples:
  ironsky lab lua                            the workload of benches/lua/rates.lua
  ironsky lab lua my/config                  a workload of your own
  ironsky lab lua my/config --only lock-fair this build beside the default

The workload logs its results as lines `RATE name number a second` and then ends the node, as
benches/lua/rates.lua does. It is run on one build of ironsky for each choice of features, made
with cargo in target/lab of the source tree; the first build takes minutes.";

/// A part of the lab beside the grid.
#[derive(Debug, PartialEq, Eq, Subcommand)]
pub(super) enum Part {
    /// Measure native services on the real scheduler, under every strategy.
    Actors(ActorsArguments),
    /// Measure a Lua workload on a build for each choice of features.
    Lua(LuaArguments),
}

#[derive(Debug, PartialEq, Eq, Args)]
#[command(after_help = ACTORS_EXAMPLES)]
pub(super) struct ActorsArguments {
    /// Every combination of locks, run queue and parker.
    #[arg(long)]
    all: bool,
    /// Only workloads and strategies whose names contain one of these words.
    #[arg(long, value_name = "WORDS")]
    only: Option<String>,
    /// Numbers of workers: 1 to 256.
    #[arg(long, value_name = "LIST")]
    workers: Option<String>,
    /// How often each is measured: 1 to 1000.
    #[arg(long, value_name = "N", default_value = "5")]
    rounds: String,
    /// How long each is measured in a round, in milliseconds: 1 to 60000.
    #[arg(long, value_name = "MS", default_value = "50")]
    cell: String,
    /// Pin workers to cores.
    #[arg(long)]
    pin: bool,
    /// The folder for the report.
    #[arg(long, value_name = "DIR", default_value = "lab-report")]
    out: PathBuf,
}

#[derive(Debug, PartialEq, Eq, Args)]
#[command(after_help = LUA_EXAMPLES)]
pub(super) struct LuaArguments {
    /// The config file of the workload.
    config: Option<PathBuf>,
    /// The folder of ironsky's source tree: as a rule that of this build, else the current one.
    #[arg(long, value_name = "DIR")]
    source: Option<PathBuf>,
    /// Every combination of features.
    #[arg(long)]
    all: bool,
    /// Only builds whose names contain one of these words, and the default.
    #[arg(long, value_name = "WORDS")]
    only: Option<String>,
    /// How often each build runs: 1 to 1000.
    #[arg(long, value_name = "N", default_value = "5")]
    rounds: String,
    /// How long a run may take, in seconds.
    #[arg(long, value_name = "S", default_value = "300")]
    limit: u32,
    /// The folder for the report.
    #[arg(long, value_name = "DIR", default_value = "lab-report")]
    out: PathBuf,
}

impl Part {
    /// The folder for the report.
    pub(super) fn out(&self) -> &PathBuf {
        match self {
            Self::Actors(arguments) => &arguments.out,
            Self::Lua(arguments) => &arguments.out,
        }
    }

    /// Measures.
    pub(super) fn run(
        &self,
        allocator: &str,
        command: &str,
        watch: &mut dyn Watch,
    ) -> Result<Report, LuaLabError> {
        match self {
            Self::Actors(arguments) => {
                Ok(actors::run(&arguments.read()?, allocator, command, watch)?)
            }
            Self::Lua(arguments) => lua::run(&arguments.read()?, allocator, command, watch),
        }
    }
}

impl ActorsArguments {
    fn read(&self) -> Result<actors::Options, LabError> {
        Ok(actors::Options {
            all: self.all,
            only: words(self.only.as_deref()),
            workers: self.workers.as_deref().map_or(Ok(Vec::new()), actors::workers)?,
            rounds: options::rounds(&self.rounds)?,
            duration: Duration::from_millis(options::cell(&self.cell)?),
            pin: self.pin,
        })
    }
}

impl LuaArguments {
    fn read(&self) -> Result<lua::Options, LabError> {
        Ok(lua::Options {
            config: self.config.clone(),
            source: self.source.clone(),
            all: self.all,
            only: words(self.only.as_deref()),
            rounds: options::rounds(&self.rounds)?,
            limit: Duration::from_secs(self.limit.into()),
        })
    }
}

fn words(text: Option<&str>) -> Vec<String> {
    text.map_or(Vec::new(), options::words)
}
