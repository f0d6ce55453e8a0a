//! The rules of the tree, as data.
//!
//! A path is written from the top of the tree with `/`; a path that ends in `/` is a folder and
//! all in it.

/// The modules of `src/`, layer by layer. A module uses itself and lower layers, so that each
/// layer can be understood, tested and modelled without what is built on it.
pub(crate) const LAYERS: &[&[&str]] = &[
    &["sync", "affinity"],
    &["message", "codec", "config"],
    &["timer", "net", "tls", "service"],
    &["sched"],
    &["node"],
    &["lua", "native", "lab"],
    &["cli", "app"],
];

/// Where a crate may be named, so that it can be replaced by changing few files.
pub(crate) const CRATES: &[(&str, &[&str])] = &[
    // Locks and queues are the subject of the house: everyone else uses `sync`; the lab compares.
    ("lock_api", &["src/sync/", "src/lab/subjects/"]),
    ("parking_lot", &["src/sync/", "src/lab/subjects/"]),
    ("parking_lot_012", &["src/lab/subjects/"]),
    ("spin", &["src/sync/", "src/lab/subjects/"]),
    ("usync", &["src/lab/subjects/"]),
    ("mcslock", &["src/lab/subjects/"]),
    ("seqlock", &["src/lab/subjects/"]),
    ("crossbeam_queue", &["src/sync/", "src/lab/subjects/"]),
    ("crossbeam_channel", &["src/lab/subjects/"]),
    ("concurrent_queue", &["src/lab/subjects/"]),
    ("crossbeam_utils", &["src/sync/", "src/lab/"]),
    ("loom", &["src/sync/"]),
    ("shuttle", &["src/sync/"]),
    ("core_affinity", &["src/affinity.rs"]),
    // Formats. Modules of the codec bear the names of some; the bindings of Lua speak to those.
    ("base64", &["src/codec/", "src/lua/crypt.rs"]),
    ("cipher", &["src/codec/"]),
    ("des", &["src/codec/", "src/lua/crypt.rs"]),
    ("digest", &["src/codec/", "src/lua/crypt.rs"]),
    ("getrandom", &["src/lua/"]),
    ("hmac", &["src/codec/"]),
    ("md5", &["src/codec/", "src/lua/md5.rs"]),
    ("md_5", &["src/codec/"]),
    ("sha1", &["src/codec/"]),
    ("sha2", &["src/codec/cluster/handshake/"]),
    // The config file is a Lua chunk.
    ("mlua", &["src/config/evaluate.rs", "src/lua/", "src/native/"]),
    ("include_dir", &["src/lua/", "src/native/"]),
    // Sockets.
    ("mio", &["src/net/"]),
    ("socket2", &["src/net/"]),
    ("rustls", &["src/tls/"]),
    ("rustls_native_certs", &["src/tls/"]),
    // The operating system.
    (
        "libc",
        &[
            "src/sync/futex/",
            "src/message/payload.rs",
            "src/sched/cpu_clock.rs",
            "src/net/",
            "src/node/daemon.rs",
            "src/lua/",
            "src/native/",
        ],
    ),
    ("signal_hook", &["src/node/", "src/cli/", "src/main.rs"]),
    ("libloading", &["src/native/"]),
    // The binary only: a library returns its own errors and installs nothing.
    ("anyhow", &["src/cli/", "src/main.rs"]),
    ("clap", &["src/cli/"]),
    ("tracing_subscriber", &["src/cli/"]),
    ("tikv_jemallocator", &["src/main.rs"]),
    // What the lab writes and counts.
    ("serde", &["src/lab/"]),
    (
        "serde_json",
        &[
            "src/lab/",
            // Answers of discovery engines.
            "src/lua/json.rs",
            "src/lua/seri/tests/",
            "src/lua/cluster/tests.rs",
            "src/codec/cluster/tests.rs",
            "src/codec/cluster/handshake/tests.rs",
            "src/codec/harbor/tests.rs",
            "src/codec/sproto/tests.rs",
        ],
    ),
    ("hdrhistogram", &["src/lab/"]),
    // Everywhere.
    ("thiserror", &["src/"]),
    ("tracing", &["src/"]),
];

/// Where `unsafe` may stand: raw locks, the Lua and C boundaries, and single system calls.
pub(crate) const UNSAFE: &[&str] = &[
    "src/sync/",
    "src/message/",
    "src/codec/seri/encode.rs",
    "src/net/",
    "src/sched/cpu_clock.rs",
    "src/node/daemon.rs",
    "src/lua/",
    "src/native/",
    // A raw lock of one's own.
    "examples/own_lock.rs",
    // They call the bindings of Lua, whose contract is unsafe.
    "benches/seri.rs",
    "fuzz/fuzz_targets/seri_lua.rs",
    // Plain cells that a sanitizer watches.
    "tests/models/src/stress/parking.rs",
];

/// The most lines of a Rust file.
pub(crate) const FILE_LINES_MAX: usize = 600;

/// Longer files: path, limit, reason.
pub(crate) const LONG_FILES: &[(&str, usize, &str)] = &[];

/// The most lines of a function, from its name to its closing brace.
pub(crate) const FUNCTION_LINES_MAX: usize = 70;

/// Longer functions: path and name with a blank between, limit, reason.
pub(crate) const LONG_FUNCTIONS: &[(&str, usize, &str)] = &[];

/// The most columns of a line of Rust.
pub(crate) const LINE_COLUMNS_MAX: usize = 100;

/// Files that need other characters than ASCII.
pub(crate) const NOT_ASCII: &[&str] = &["tests/vectors/"];

/// Words that put something off. Split, so that this file does not break its own rule.
pub(crate) const LATER: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];

/// Macros that print.
pub(crate) const PRINTING: &[&str] = &["println", "eprintln", "print", "eprint", "dbg"];

/// Where they may be used: the command line talks to a person, and so do tests (of which one is
/// the suite of the locks: it prints its seed) and examples.
pub(crate) const MAY_PRINT: &[&str] = &[
    "src/main.rs",
    "src/cli/",
    "src/sync/lock/suite.rs",
    "src/sync/lock/fair.rs",
    "tests/",
    "benches/",
    "examples/",
    "build.rs",
];

/// Where features may be named in Rust, by the beginning of their names. (The rules themselves
/// are not looked at.)
pub(crate) const FEATURES: &[(&str, &[&str])] = &[
    ("lock-", &["src/sync/selected.rs"]),
    ("lock-stats", &["src/sync/class.rs", "src/sync/stats", "benches/instructions.rs"]),
    ("rwlock-", &["src/sync/selected.rs"]),
    ("queue-", &["src/sync/selected.rs"]),
    ("nojemalloc", &["src/main.rs"]),
    ("lua", &["src/lua/"]),
    ("lab", &["src/lib.rs", "src/cli/"]),
];

/// The page that describes the features.
pub(crate) const FEATURES_PAGE: &str = "docs/src/reference/features.md";

/// The page whose cells link to the tests that show them.
pub(crate) const PROPERTY_SHEET: &str = "docs/src/internals/locks.md";

/// The table of contents of the docs.
pub(crate) const SUMMARY: &str = "docs/src/SUMMARY.md";

/// Folders whose Lua files must be named somewhere. (The files right in `tests/lua/` are not here:
/// the conformance test runs each of them.)
pub(crate) const LUA_USED: &[&str] = &["lualib/", "service/", "tests/lua/service/", "examples/"];

/// Folders that the binary carries.
pub(crate) const LUA_EMBEDDED: &[&str] = &["lualib/", "service/"];
