//! The keys that the runtime and its services read, for `check` and `spelling`.

/// What a key should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Flag,
    /// Anything.
    Text,
}

/// Every key with a meaning of its own. Any other belongs to the application.
pub(super) const KEYS: &[(&str, Kind)] = &[
    ("thread", Kind::Integer),
    ("harbor", Kind::Integer),
    ("call_warning", Kind::Integer),
    ("message_limit", Kind::Integer),
    ("profile", Kind::Flag),
    ("enablessl", Kind::Flag),
    ("socket_nodelay", Kind::Flag),
    ("socket_backlog", Kind::Integer),
    ("socket_unsent_max", Kind::Integer),
    ("socket_grace", Kind::Integer),
    ("socket_spin", Kind::Integer),
    ("affinity", Kind::Text),
    ("cpath", Kind::Text),
    ("bootstrap", Kind::Text),
    ("daemon", Kind::Text),
    ("logger", Kind::Text),
    ("logservice", Kind::Text),
    ("lualoader", Kind::Text),
    ("lua_path", Kind::Text),
    ("lua_cpath", Kind::Text),
    ("luaservice", Kind::Text),
    ("preload", Kind::Text),
    ("debug_console_token", Kind::Text),
    ("debug_console_host", Kind::Text),
    ("logpath", Kind::Text),
    ("start", Kind::Text),
    ("standalone", Kind::Text),
    ("master", Kind::Text),
    ("address", Kind::Text),
    ("cluster", Kind::Text),
    ("cluster_connect_timeout", Kind::Text),
    ("cluster_discovery", Kind::Text),
    ("cluster_heartbeat", Kind::Text),
    ("cluster_large_link", Kind::Text),
    ("cluster_large_total", Kind::Text),
    ("cluster_large_timeout", Kind::Text),
    ("cluster_secret", Kind::Text),
    ("cluster_secret_file", Kind::Text),
    ("cluster_tls_cert", Kind::Text),
    ("cluster_tls_key", Kind::Text),
    ("cluster_tls_ca", Kind::Text),
    ("snax", Kind::Text),
    ("snax_interface_g", Kind::Text),
    ("snax_loader", Kind::Text),
    ("certfile", Kind::Text),
    ("keyfile", Kind::Text),
    ("tls_verify", Kind::Flag),
    ("tls_ca", Kind::Text),
    ("tls_handshake_timeout", Kind::Text),
    ("http_head_timeout", Kind::Text),
    ("http_body_limit", Kind::Integer),
];
