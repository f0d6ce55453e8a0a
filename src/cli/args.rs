//! Reads the arguments of the process.
//!
//! `ironsky CONFIG` works as the reference does: one file name counts and whatever follows it is
//! ignored, even what looks like an option. A file named like a command, `check` or `lab`, is
//! written `./check`.

use clap::{Parser, Subcommand};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

#[cfg(feature = "lab")]
use super::lab::LabArguments;

const USAGE: &str = if cfg!(feature = "lab") {
    "ironsky CONFIG
       ironsky check CONFIG
       ironsky lab [actors | lua] [OPTIONS]
       ironsky"
} else {
    "ironsky CONFIG\n       ironsky check CONFIG\n       ironsky"
};

/// What counts as a command and not as a file.
const COMMANDS: &[&str] = if cfg!(feature = "lab") { &["check", "lab"] } else { &["check"] };

const EXAMPLES: &str = "\
Examples:
  ironsky                     show a small demonstration, without any file
  ironsky config              run the node that the file `config` describes
  ironsky check config        say what is wrong with it, without starting anything
  IRONSKY_LOG=debug ironsky config
                              also print what the runtime itself does

A config file is Lua; its variables are the settings. The smallest one:
  harbor = 0                  -- a node on its own
  start = \"hello\"             -- runs ./service/hello.lua";

#[derive(Debug, Parser)]
#[command(
    name = "ironsky",
    about = "Runs Lua actors: applications written for skynet, unchanged.",
    override_usage = USAGE,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
struct Arguments {
    /// The config file of the node to run; further arguments are ignored.
    config: Option<PathBuf>,
    /// Print the version, and what this build is made of.
    #[arg(short = 'V', long)]
    version: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what is wrong with a config file, without starting anything.
    Check {
        /// The config file.
        config: PathBuf,
    },
    /// Measure every lock, run queue and parker beside its rivals, on this machine.
    #[cfg(feature = "lab")]
    Lab(Box<LabArguments>),
}

/// What the process is asked to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Node(PathBuf),
    Check(PathBuf),
    #[cfg(feature = "lab")]
    Lab(Box<LabArguments>),
    Version,
    Demo,
}

/// Reads the arguments, of which the first is the name of the program.
pub(super) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Request, clap::Error> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|first| is_config(first)) {
        args.truncate(2);
    }
    let arguments = Arguments::try_parse_from(args)?;
    Ok(match (arguments.command, arguments.config) {
        _ if arguments.version => Request::Version,
        (Some(Command::Check { config }), _) => Request::Check(config),
        #[cfg(feature = "lab")]
        (Some(Command::Lab(arguments)), _) => Request::Lab(arguments),
        (None, Some(config)) => Request::Node(config),
        (None, None) => Request::Demo,
    })
}

fn is_config(argument: &OsStr) -> bool {
    let is_command = COMMANDS.iter().any(|command| argument == *command);
    !argument.as_encoded_bytes().starts_with(b"-") && !is_command
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn request(args: &[&str]) -> Option<Request> {
        let args = std::iter::once("ironsky").chain(args.iter().copied());
        parse(args.map(OsString::from)).ok()
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn one_file_counts() {
        let node = |name: &str| Some(Request::Node(name.into()));
        assert_eq!(request(&["config"]), node("config"));
        assert_eq!(request(&["config", "more", "--version", "check"]), node("config"));
        assert_eq!(request(&["./check"]), node("./check"));
        assert_eq!(request(&["help"]), node("help"));
    }

    #[test]
    fn check_takes_exactly_one_file() {
        assert_eq!(request(&["check", "config"]), Some(Request::Check("config".into())));
        assert_eq!(request(&["check", "check"]), Some(Request::Check("check".into())));
        assert_eq!(request(&["check"]), None);
        assert_eq!(request(&["check", "a", "b"]), None);
    }

    #[test]
    fn a_file_named_like_a_command_has_a_folder() {
        assert_eq!(request(&["./lab"]), Some(Request::Node("./lab".into())));
        assert_eq!(request(&["labor"]), Some(Request::Node("labor".into())));
    }

    #[test]
    #[cfg(feature = "lab")]
    fn lab_takes_options() {
        assert!(matches!(request(&["lab"]), Some(Request::Lab(_))));
        assert!(matches!(request(&["lab", "--rounds", "5", "--pin"]), Some(Request::Lab(_))));
        assert_eq!(request(&["lab", "--unknown"]), None);
        assert_eq!(request(&["lab", "--rounds"]), None);
        assert!(matches!(request(&["lab", "actors", "--all"]), Some(Request::Lab(_))));
        assert!(matches!(request(&["lab", "lua", "config"]), Some(Request::Lab(_))));
        assert_eq!(request(&["lab", "--pin", "actors"]), None);
    }

    #[test]
    fn options_and_nothing() {
        assert_eq!(request(&["--version"]), Some(Request::Version));
        assert_eq!(request(&["-V"]), Some(Request::Version));
        assert_eq!(request(&[]), Some(Request::Demo));
        assert_eq!(request(&["--unknown"]), None);
    }
}
