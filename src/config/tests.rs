//! Config files as a whole: evaluation, typed settings, error texts, findings.

use super::*;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Writes the files into a fresh directory; the first one is the config file.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn load(files: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let dir = directory(files);
    Config::load(&dir.path().join(files[0].0))
}

fn text(text: &str) -> Result<Config, ConfigError> {
    Config::from_text("config", text, Path::new("."))
}

fn value(config: &Config, key: &str) -> Option<String> {
    Some(config.environment.get(key)?.to_str().unwrap().to_owned())
}

fn check_value(chunk: &str, expected: &str) {
    let config = text(chunk).unwrap();
    assert_eq!(value(&config, "x").as_deref(), Some(expected), "{chunk}");
}

fn check_error(chunk: &str, expected: &str) {
    assert_eq!(text(chunk).unwrap_err().to_string(), expected, "{chunk}");
}

#[test]
fn values_become_text() {
    check_value("x = 'a b'", "a b");
    check_value("x = ''", "");
    check_value("x = true", "true");
    check_value("x = 1 > 2", "false");
    check_value("x = 0x10", "16");
    check_value("x = 1.5", "1.5");
    check_value("x = 1e10", "10000000000.0");
    check_value("x = ('ab'):rep(2)", "abab");
    check_value("local y = 'l' x = y", "l");
    check_value("x = 'a\\0b'", "a");
    check_value("x = 1 x = 2", "2");
}

#[test]
fn nil_and_locals_are_no_keys() {
    let config = text("x = nil local y = 1 z = undefined").unwrap();
    assert_eq!(
        [value(&config, "x"), value(&config, "y"), value(&config, "z")],
        [const { None }; 3]
    );
}

#[test]
fn defaults_are_used_and_written() {
    let config = text("").unwrap();
    let cores = crate::affinity::cores();
    assert_eq!((config.threads, config.harbor, config.profile), (cores, 1, true));
    assert_eq!(config.bootstrap, "snlua bootstrap");
    assert_eq!((config.daemon.as_deref(), config.logger.as_deref()), (None, None));
    assert_eq!(config.affinity, Affinity::Free);
    let written = ["thread", "cpath", "harbor", "bootstrap", "logservice", "profile"]
        .map(|key| value(&config, key).unwrap());
    let cores = cores.to_string();
    let expected = [&*cores, "./cservice/?.so", "1", "snlua bootstrap", "logger", "true"];
    assert_eq!(written, expected);
    assert_eq!([value(&config, "daemon"), value(&config, "logger")], [None, None]);
}

#[test]
fn core_keys_are_read_leniently_and_kept_as_written() {
    let config = text("thread = '2.7' harbor = 300 profile = 1 daemon = './p.pid'").unwrap();
    assert_eq!((config.threads, config.harbor, config.profile), (2, 44, false));
    assert_eq!(config.daemon.as_deref(), Some(Path::new("./p.pid")));
    assert_eq!(value(&config, "harbor").as_deref(), Some("300"));
}

#[test]
fn affinity_is_a_flag_or_a_list() {
    assert_eq!(text("affinity = true").unwrap().affinity, Affinity::EveryCore);
    let cores = Affinity::Cores(vec![0, 2, 4]);
    assert_eq!(text("affinity = '0,2,4'").unwrap().affinity, cores);
    let config = text("affinity = {0, 2, 4}").unwrap();
    assert_eq!(
        (config.affinity.clone(), value(&config, "affinity").unwrap()),
        (cores, "0,2,4".into())
    );
}

#[test]
fn pairs_make_a_config_without_a_file() {
    let config = Config::from_pairs([("thread", "3"), ("harbor", "0"), ("thread", "4")]).unwrap();
    assert_eq!((config.threads, config.harbor), (4, 0));
    assert!(Config::from_pairs([("thread", "0")]).is_err());
}

#[test]
fn sockets_have_settings_of_their_own() {
    let sockets = text("").unwrap().sockets;
    assert!(sockets.nodelay);
    assert_eq!((sockets.backlog, sockets.unsent_bytes_max), (1024, 64 << 20));
    let chosen = "socket_nodelay = false socket_backlog = 5 socket_grace = 0 socket_spin = 7";
    let sockets = text(chosen).unwrap().sockets;
    assert_eq!((sockets.nodelay, sockets.backlog, sockets.grace_seconds), (false, 5, 0));
    assert_eq!(sockets.spin_microseconds, 7);
    assert!(text("socket_unsent_max = 0").is_err() && text("socket_backlog = 'x'").is_err());
}

#[test]
fn the_thread_count_has_a_range() {
    for (chunk, count) in [("thread = 0", 0), ("thread = 'abc'", 0), ("thread = 1025", 1025)] {
        let first = format!("Invalid thread {count} , should be in [1,1024]\n  set at config:1");
        check_error(chunk, &first);
    }
    assert_eq!(text("thread = 1024").unwrap().threads, 1024);
}

#[test]
fn a_value_of_the_wrong_type_is_named_with_its_place() {
    let scalars = "expected a string, a number or a boolean";
    check_error("\nx = {}", &table_error("x", 2, scalars, "table"));
    check_error("x = include", &table_error("x", 1, scalars, "function"));
    let cores = "expected true, false or a list of cores such as \"0,2,4\"";
    check_error("affinity = {'a'}", &table_error("affinity", 1, cores, "table"));
    check_error("_ENV[1] = 2", "Invalid config table\n  a key is a integer, not a name");
    let affinity = "Invalid config value affinity = \"0-3\"\n  config:1: ";
    check_error("affinity = '0-3'", &format!("{affinity}{cores}"));
}

fn table_error(key: &str, line: usize, expected: &str, found: &str) -> String {
    format!("Invalid config table key = {key}\n  config:{line}: {expected}, found a {found}")
}

#[test]
fn text_that_is_not_utf8_is_kept_but_not_for_core_keys() {
    let config = text("x = '\\xff'").unwrap();
    assert_eq!(config.environment.get("x").as_deref(), Some(c"\xff"));
    let error = text("bootstrap = '\\xff'").unwrap_err().to_string();
    assert!(error.ends_with("config:1: expected text in UTF-8"), "{error}");
}

#[test]
fn a_chunk_sees_only_its_own_variables() {
    check_error("print('hi')", "config:1: attempt to call a nil value (global 'print')");
    check_error("x = os.time()", "config:1: attempt to index a nil value (global 'os')");
    check_error("\nx = nil + 1", "config:2: attempt to perform arithmetic on a nil value");
}

#[test]
fn only_text_is_run() {
    check_error("x = = 1", "[skynet config]:1: config:1: unexpected symbol near '='");
    check_error("#!ironsky", "[skynet config]:1: config:1: unexpected symbol near '#'");
    let error = text("\x1bLua").unwrap_err().to_string();
    assert!(error.contains("attempt to load a binary chunk (mode is 't')"), "{error}");
}

#[test]
fn variables_of_the_process_are_substituted() {
    let home = std::env::var("PATH").unwrap();
    check_value("x = \"$PATH\"", &home);
    let unset = "[skynet config]:2: os.getenv() failed: IRONSKY_NOT_SET\n  at config:2";
    check_error("x = 1\n-- $IRONSKY_NOT_SET", unset);
}

#[test]
fn includes_are_found_beside_the_including_file_cumulatively() {
    let files = [
        ("top/config", "root = 'r/' include 'sub/a' include 'b' z = x .. y"),
        ("top/sub/a", "include 'deep/c' include 'd' x = root .. deep"),
        ("top/sub/deep/c", "deep = 'c'"),
        ("top/sub/d", "d = 'd'"),
        ("top/b", "y = 'b'"),
    ];
    let config = load(&files).unwrap();
    assert_eq!(value(&config, "z").as_deref(), Some("r/cb"));
    assert_eq!(value(&config, "d").as_deref(), Some("d"));
    assert_eq!(value(&config, "include"), None);
}

#[test]
fn an_absolute_include_replaces_the_prefix() {
    let other = directory(&[("a", "include 'b'"), ("b", "x = 7")]);
    let chunk = format!("include '{}/a'", other.path().display());
    check_value(&chunk, "7");
}

#[test]
fn a_text_includes_from_its_directory() {
    let dir = directory(&[("a", "x = 1")]);
    let config = Config::from_text("config", "include 'a'", dir.path()).unwrap();
    assert_eq!(value(&config, "x").as_deref(), Some("1"));
}

#[test]
fn a_missing_file_is_named_with_its_path_and_the_include() {
    let error = Config::load(Path::new("nowhere/config")).unwrap_err().to_string();
    assert_eq!(error, "[skynet config]:1: ./nowhere/config: No such file or directory");
    let missing = "[skynet config]:2: ./missing: No such file or directory";
    check_error("\ninclude 'missing'", &format!("{missing}\n  included at config:2"));
}

#[test]
fn errors_in_an_included_file_name_that_file() {
    let dir = directory(&[("syntax", "\nx = = 1"), ("runtime", "\n\nx = nil + 1")]);
    let error = |chunk| Config::from_text("config", chunk, dir.path()).unwrap_err().to_string();
    let syntax = "[skynet config]:1: syntax:2: unexpected symbol near '='";
    assert_eq!(error("include 'syntax'"), syntax);
    let runtime = "runtime:3: attempt to perform arithmetic on a nil value";
    assert_eq!(error("include 'runtime'"), runtime);
}

#[test]
fn include_wants_a_name_and_ends_somewhere() {
    let wants = "[skynet config]:1: include needs a file name, found integer\n  called at config:1";
    check_error("include(5)", wants);
    let dir = directory(&[("config", "include 'config'")]);
    let error = Config::load(&dir.path().join("config")).unwrap_err().to_string();
    assert!(error.starts_with("[skynet config]:1: stack overflow: more than 64"), "{error}");
}

#[test]
fn the_release_of_lua_is_named() {
    assert!(lua_release().starts_with("Lua 5."));
}

/// Findings for a file in a directory that has the scripts of a node on its own.
fn findings(chunk: &str) -> Vec<String> {
    let dir = directory(&[("config", chunk)]);
    let scripts = ["lualib/loader.lua", "service/bootstrap.lua", "service/launcher.lua"];
    let is_embedded = |path: &str| scripts.contains(&path) || path == "service/main.lua";
    let config = dir.path().join("config");
    let findings = check(&config, &is_embedded);
    let prefix = format!("{}: ", config.display());
    let line =
        |finding: &Finding| finding.to_string().replace(&prefix[..prefix.len() - 2], "config");
    findings.iter().map(line).collect()
}

#[test]
fn a_good_config_has_no_findings() {
    assert_eq!(findings("harbor = 0"), [""; 0]);
    assert_eq!(findings("harbor = 1 master = '1.2.3.4:1' address = '1.2.3.4:2'"), [""; 0]);
    assert_eq!(findings("harbor = 0 start = 'main 1 2' port = 8888 thread = 8"), [""; 0]);
}

fn check_finding(chunk: &str, expected: &str) {
    assert_eq!(findings(&format!("{chunk}\nharbor = harbor or 0")), [expected], "{chunk}");
}

#[test]
fn each_mistake_has_its_finding() {
    let cases = [
        ("thread = 0", "error: thread is 0, but must be from 1 to 1024"),
        ("socket_unsent_max = 0", "error: socket_unsent_max is 0, but must be greater than 0"),
        ("thread = '4 cores'", "warning: thread = \"4 cores\" is read as 4"),
        ("profile = 1", "warning: profile = \"1\" is read as false"),
        (
            "affinity = 'all'",
            "error: affinity is \"all\", but must be true, false or a list of \
            cores such as \"0,2,4\"",
        ),
        (
            "standalone = '0.0.0.0:1'",
            "error: standalone must not be set when harbor is 0: such a \
            node has no harbors",
        ),
        (
            "cpath = './c/?.so;./d'",
            "error: the entry \"./d\" of cpath has no `?` for the module's \
            name",
        ),
        ("preload = './none.lua'", "error: preload names a missing file: ./none.lua"),
        ("cluster_secret_file = 'x'", "error: cluster_secret_file names a missing file: x"),
        ("cluster_secret = 'sesame'", "error: cluster_secret must have at least 16 bytes a line"),
        ("logpath = './none'", "warning: logpath names a missing directory: ./none"),
        ("daemon = './none/p'", "error: the directory of daemon is missing: ./none/p"),
        ("logger = ''", "error: logger is empty, but must be the path of a file"),
        ("lualoader = 'l.lua'", "error: lualoader names a missing file: l.lua"),
        ("theard = 4", "warning: theard has no meaning here: did you mean thread?"),
    ];
    for (chunk, finding) in cases {
        check_finding(chunk, &format!("config:1: {finding}"));
    }
}

#[test]
fn a_missing_start_script_lists_what_was_tried() {
    let text = "error: the service \"game\" is not found at\n  ./service/game.lua";
    check_finding("start = 'game 1'", text);
    let log = "error: the service \"mylog\" is not found at\n  ./service/mylog.lua";
    check_finding("logservice = 'snlua' logger = 'mylog'", log);
}

#[test]
fn settings_of_links_go_together() {
    let found = findings("harbor = 0 cluster_tls_key = 'src/lib.rs'");
    let text = "error: cluster_tls_key is set and cluster_tls_cert is not: they go together";
    assert_eq!(found, [format!("config:1: {text}")]);
    let both = "cluster_secret = '0123456789abcdef' cluster_secret_file = 'Cargo.toml'";
    assert!(findings(&format!("harbor = 0 {both}"))[0].contains("are both set"));
}

#[test]
fn a_harbor_needs_its_addresses() {
    let needed = |key| format!("error: {key} is needed when harbor is not 0 (here it is 1)");
    assert_eq!(findings(""), [needed("master"), needed("address")]);
    let large = findings("harbor = 300 master = 'm' address = 'a'");
    assert_eq!(large, ["config:1: warning: harbor is 300, of which 44 is kept (0 to 255)"]);
}

#[test]
fn all_findings_are_reported_at_once() {
    assert_eq!(findings("harbor = 0 x = {} y = include thread = 2000").len(), 3);
}

#[test]
fn a_file_that_cannot_be_evaluated_is_one_finding() {
    let found = findings("x = = 1");
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("unexpected symbol near '='"), "{found:?}");
}
