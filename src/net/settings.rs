//! What a config says about sockets. See `docs/src/reference/config.md`.

use std::time::Duration;

/// How the sockets of a node behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether TCP connections send small pieces at once (`socket_nodelay`).
    pub nodelay: bool,
    /// How many connections may wait to be accepted when a listener does not say
    /// (`socket_backlog`).
    pub backlog: u32,
    /// The most bytes that may wait to be sent on one socket (`socket_unsent_max`).
    pub unsent_bytes_max: usize,
    /// How long a socket is kept that both ends have finished with (`socket_grace`); `None`: for
    /// ever.
    pub grace: Option<Duration>,
    /// For how long sockets are looked at again and again before a thread blocks, where that has
    /// been worth while lately (`socket_spin`); zero: never.
    pub spin: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            nodelay: true,
            backlog: 1024,
            unsent_bytes_max: 64 << 20,
            grace: Some(Duration::from_secs(60)),
            spin: Duration::from_micros(60),
        }
    }
}
