//! Signals of the operating system: SIGHUP opens the log again, SIGTERM and SIGINT end the node in
//! order. Spec: runtime section 2.4 (the reference dies at once on the latter two).

use std::io;
use std::process;
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::Node;
use crate::message::Address;

impl Node {
    /// Makes this process' signals act on this node, for as long as the process lives.
    ///
    /// The first SIGTERM or SIGINT ends the node in order; if that takes longer than `limit`, the
    /// process ends with status 1. A second one ends the process at once.
    ///
    /// # Errors
    /// When a handler or the thread for it cannot be set up.
    pub fn handle_signals(self: &Arc<Self>, limit: Duration) -> io::Result<()> {
        let mut signals = Signals::new([SIGHUP, SIGTERM, SIGINT])?;
        let node = Arc::downgrade(self);
        let handle = move || {
            let mut ending = false;
            for signal in signals.forever() {
                let Some(node) = node.upgrade() else { return };
                match signal {
                    SIGHUP => node.reopen_log(),
                    _ if ending => process::exit(128 + signal),
                    _ => {
                        ending = true;
                        node.end_within(limit);
                    }
                }
            }
        };
        Builder::new().name("signals".to_owned()).spawn(handle)?;
        Ok(())
    }

    /// Ends the node in order, and the process if that takes too long.
    fn end_within(self: &Arc<Self>, limit: Duration) {
        self.log(Address::NOBODY, b"signal received, the node ends");
        let node = Arc::clone(self);
        let watch = move || {
            if node.ended.wait_for(limit).is_none() {
                tracing::error!(seconds = limit.as_secs(), "services did not end in time");
                process::exit(1);
            }
        };
        // Without a thread for it there is no limit; a second signal still works.
        let _ = Builder::new().name("deadline".to_owned()).spawn(watch);
        self.abort(0);
    }
}
