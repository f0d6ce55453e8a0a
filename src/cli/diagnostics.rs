//! Where the runtime's own messages go: to the standard error output, filtered by `IRONSKY_LOG`.
//!
//! These are not the lines of services, which go to the log service.

use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

const VARIABLE: &str = "IRONSKY_LOG";

/// Installs the subscriber of the process. A filter that cannot be read counts as unset, with a
/// warning, for a wrong log level is no reason not to run.
pub(super) fn set_up() {
    let filters = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into());
    let filters = filters.with_env_var(VARIABLE);
    let (filter, complaint) = match filters.try_from_env() {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("warn"), std::env::var_os(VARIABLE).map(|_| error)),
    };
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // Somebody who embeds this may have installed a subscriber already; that one stays.
    let _ = subscriber.with_ansi(io::stderr().is_terminal()).try_init();
    if let Some(error) = complaint {
        tracing::warn!(%error, "{VARIABLE} is not a filter");
    }
}
