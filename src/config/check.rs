//! `ironsky check`: says what is wrong with a configuration without starting anything.
//!
//! An *error* keeps the node or its first services from starting; a *warning* is something that
//! works, but probably not as its author meant.

use super::accessor;
use super::affinity::Affinity;
use super::evaluate::{Entry, Evaluated, evaluate_file, process_variable};
use super::keys::{KEYS, Kind};
use super::place::Place;
use super::settings::{THREADS_MAX, wrong_type};
use super::spelling::suggestion;
use std::fmt;
use std::path::Path;

/// The shortest secret that nodes of a cluster share, as `lualib/skynet/cluster/secret.lua` has it.
const SECRET_BYTES_MIN: usize = 16;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The node or one of its first services cannot start.
    Error,
    /// It works, but probably not as meant.
    Warning,
}

/// One thing that is wrong, for a person to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where to look, if known.
    pub place: Option<Place>,
    /// What is wrong and what would be right.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(out, "{place}: ")?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(out, "{severity}: {}", self.text)
    }
}

/// Checks the config file at `path`; relative paths in it are seen from the working directory, as
/// when the node starts. `is_embedded` says whether the binary carries a file of that name
/// (`service/launcher.lua`).
pub fn check(path: &Path, is_embedded: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    match evaluate_file(path, process_variable) {
        Ok(evaluated) => check_all(evaluated, is_embedded),
        Err(error) => {
            vec![Finding { severity: Severity::Error, place: None, text: error.to_string() }]
        }
    }
}

fn check_all(evaluated: Evaluated, is_embedded: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let mut check = Check { evaluated, is_embedded, findings: Vec::new() };
    check.types();
    check.ranges();
    check.harbor();
    check.files();
    check.cluster_security();
    check.first_services();
    check.spelling();
    check.findings
}

struct Check<'a> {
    evaluated: Evaluated,
    is_embedded: &'a dyn Fn(&str) -> bool,
    findings: Vec<Finding>,
}

impl Check<'_> {
    /// The text of a key, lossily: good enough to look at and to find files by.
    fn text(&self, key: &str) -> Option<String> {
        match self.evaluated.entries.get(key.as_bytes())? {
            Entry::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            Entry::Other(_) => None,
        }
    }

    fn text_or(&self, key: &str, default: &str) -> String {
        self.text(key).unwrap_or_else(|| default.to_owned())
    }

    fn integer_or(&self, key: &str, default: i64) -> i64 {
        self.text(key).map_or(default, |text| accessor::integer(text.as_bytes()))
    }

    fn report(&mut self, severity: Severity, key: &str, text: String) {
        let place = self.evaluated.sources.assignment(key.as_bytes());
        self.findings.push(Finding { severity, place, text });
    }

    fn error(&mut self, key: &str, text: String) {
        self.report(Severity::Error, key, text);
    }

    fn warn(&mut self, key: &str, text: String) {
        self.report(Severity::Warning, key, text);
    }

    fn types(&mut self) {
        if let Some(found) = self.evaluated.foreign_key {
            let text = format!("a key is a {found}, not a name");
            self.findings.push(Finding { severity: Severity::Error, place: None, text });
        }
        let mut errors = Vec::new();
        for (key, entry) in &self.evaluated.entries {
            if let Entry::Other(found) = entry {
                errors.push(wrong_type(&self.evaluated, key, found));
            }
        }
        for error in errors {
            let text = error.to_string();
            self.findings.push(Finding { severity: Severity::Error, place: None, text });
        }
    }

    fn ranges(&mut self) {
        for &(key, kind) in KEYS {
            let Some(text) = self.text(key) else { continue };
            if let Some(reading) = misread(kind, &text) {
                self.warn(key, format!("{key} = {text:?} is read as {reading}"));
            }
        }
        let threads = self.integer_or("thread", 1);
        if !(1..=THREADS_MAX as i64).contains(&threads) {
            let text = format!("thread is {threads}, but must be from 1 to {THREADS_MAX}");
            self.error("thread", text);
        }
        for key in ["socket_backlog", "socket_unsent_max"] {
            let value = self.integer_or(key, 1);
            if value < 1 {
                self.error(key, format!("{key} is {value}, but must be greater than 0"));
            }
        }
        if let Some(text) = self.text("affinity").filter(|text| Affinity::parse(text).is_none()) {
            let expected = Affinity::EXPECTED;
            self.error("affinity", format!("affinity is {text:?}, but must be {expected}"));
        }
    }

    fn harbor(&mut self) {
        let harbor = self.integer_or("harbor", 1);
        if !(0..=255).contains(&harbor) {
            let kept = harbor as u8;
            self.warn("harbor", format!("harbor is {harbor}, of which {kept} is kept (0 to 255)"));
        }
        if !self.has_usual_bootstrap() {
            return;
        }
        if harbor == 0 && self.text("standalone").is_some() {
            let text = "standalone must not be set when harbor is 0: such a node has no harbors";
            self.error("standalone", text.to_owned());
        }
        for key in ["master", "address"] {
            if harbor != 0 && self.text(key).is_none() {
                let text = format!("{key} is needed when harbor is not 0 (here it is {harbor})");
                self.error("harbor", text);
            }
        }
    }

    fn files(&mut self) {
        for entry in self.text_or("cpath", "?").split(';').filter(|entry| !entry.contains('?')) {
            let text = format!("the entry {entry:?} of cpath has no `?` for the module's name");
            self.error("cpath", text);
        }
        for key in ["preload", "cluster"] {
            if let Some(path) = self.text(key).filter(|path| !self.exists(path)) {
                self.error(key, format!("{key} names a missing file: {path}"));
            }
        }
        if let Some(path) = self.text("logpath").filter(|path| !Path::new(path).is_dir()) {
            self.warn("logpath", format!("logpath names a missing directory: {path}"));
        }
        self.parent("daemon");
        if self.text_or("logservice", "logger") == "logger" {
            self.parent("logger");
        }
    }

    /// Who may connect to the node: what `lualib/skynet/cluster/guard.lua` would refuse.
    fn cluster_security(&mut self) {
        const TLS: [&str; 3] = ["cluster_tls_cert", "cluster_tls_key", "cluster_tls_ca"];
        for key in TLS.into_iter().chain(["cluster_secret_file"]) {
            if let Some(path) = self.text(key).filter(|path| !Path::new(path).is_file()) {
                self.error(key, format!("{key} names a missing file: {path}"));
            }
        }
        let set = |key: &&&str| self.text(key).is_some();
        if let Some(&some) = TLS.iter().find(set)
            && let Some(none) = TLS.iter().find(|key| !set(key))
        {
            self.error(some, format!("{some} is set and {none} is not: they go together"));
        }
        let Some(secrets) = self.text("cluster_secret") else { return };
        if self.text("cluster_secret_file").is_some() {
            let text = "cluster_secret and cluster_secret_file are both set, but only one may be";
            self.error("cluster_secret", text.to_owned());
        }
        let lines = secrets.lines().map(str::trim).filter(|line| !line.is_empty());
        if lines.clone().next().is_none() || lines.clone().any(|line| line.len() < SECRET_BYTES_MIN)
        {
            let text = format!("cluster_secret must have at least {SECRET_BYTES_MIN} bytes a line");
            self.error("cluster_secret", text);
        }
    }

    /// A file that will be written needs its directory.
    fn parent(&mut self, key: &str) {
        let Some(path) = self.text(key) else { return };
        let parent = Path::new(&path).parent().unwrap_or(Path::new(""));
        if !parent.as_os_str().is_empty() && !parent.is_dir() {
            self.error(key, format!("the directory of {key} is missing: {path}"));
        } else if path.is_empty() {
            self.error(key, format!("{key} is empty, but must be the path of a file"));
        }
    }

    fn first_services(&mut self) {
        let loader = self.text_or("lualoader", "./lualib/loader.lua");
        if !self.exists(&loader) {
            self.error("lualoader", format!("lualoader names a missing file: {loader}"));
        }
        for service in self.lua_services() {
            self.script(&service);
        }
    }

    /// The Lua services that this configuration starts by name.
    fn lua_services(&self) -> Vec<String> {
        let mut services = Vec::new();
        if let Some(script) = self.text_or("bootstrap", "snlua bootstrap").strip_prefix("snlua ") {
            services.push(script.to_owned());
        }
        if self.has_usual_bootstrap() {
            services.extend(["launcher".to_owned(), self.text_or("start", "main")]);
        }
        if self.text_or("logservice", "logger") == "snlua" {
            services.extend(self.text("logger"));
        }
        services
    }

    fn script(&mut self, service: &str) {
        let name = service.split_whitespace().next().unwrap_or_default();
        let patterns = self.text_or("luaservice", "./service/?.lua");
        let tried: Vec<String> =
            patterns.split(';').map(|pattern| pattern.replace('?', name)).collect();
        // The binary's own services come behind the configured directories.
        let is_own = (self.is_embedded)(&format!("service/{name}.lua"));
        if !is_own && !tried.iter().any(|path| self.exists(path)) {
            let tried = tried.join("\n  ");
            self.error("luaservice", format!("the service {name:?} is not found at\n  {tried}"));
        }
    }

    fn exists(&self, path: &str) -> bool {
        Path::new(path).is_file() || (self.is_embedded)(path.strip_prefix("./").unwrap_or(path))
    }

    fn has_usual_bootstrap(&self) -> bool {
        self.text_or("bootstrap", "snlua bootstrap") == "snlua bootstrap"
    }

    fn spelling(&mut self) {
        let keys: Vec<String> = self.evaluated.entries.keys().map(|key| lossy(key)).collect();
        for key in keys {
            // Someone who sets both keys knows the difference.
            if let Some(meant) = suggestion(&key).filter(|meant| self.text(meant).is_none()) {
                self.warn(&key, format!("{key} has no meaning here: did you mean {meant}?"));
            }
        }
    }
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// What the lenient reading makes of a text, when that is not what stands there.
fn misread(kind: Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Integer if !accessor::is_integer(text.as_bytes()) => {
            Some(accessor::integer(text.as_bytes()).to_string())
        }
        Kind::Flag if !accessor::is_flag(text.as_bytes()) => Some("false".to_owned()),
        _ => None,
    }
}
