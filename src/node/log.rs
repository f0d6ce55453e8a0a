//! Log lines of services: messages to the service named `logger`. Spec: runtime section 11.1.

use std::sync::atomic::Ordering;

use super::Node;
use crate::message::{Address, Kind, Message, Payload, Session};

impl Node {
    /// Sends a log line on behalf of `source` ([`Address::NOBODY`] for the runtime). Dropped while
    /// there is no log service.
    pub fn log(&self, source: Address, line: &[u8]) {
        let message = Message {
            source,
            session: Session::NONE,
            kind: Kind::TEXT,
            payload: Payload::copy_of(line),
        };
        let known = Address::new(self.logger.load(Ordering::Relaxed));
        let Err(message) = self.scheduler.post(known, message) else { return };
        // Not known yet, or gone: look the name up again.
        if let Some(logger) = self.scheduler.registry.resolve(b"logger") {
            self.logger.store(logger.bits(), Ordering::Relaxed);
            let _ = self.scheduler.post(logger, message);
        }
    }

    /// Asks the log service to open its file again (log rotation).
    pub fn reopen_log(&self) {
        if let Some(logger) = self.scheduler.registry.resolve(b"logger") {
            let reopen = Message::empty(Address::NOBODY, Session::NONE, Kind::SYSTEM);
            let _ = self.scheduler.post(logger, reopen);
        }
    }
}
