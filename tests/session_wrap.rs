//! Sessions start again behind 2^31 - 1: none that somebody waits for is handed out again.
//!
//! A Lua module of the test moves the counter of the service that calls it; `session_wrap/wrap.lua`
//! does the rest.

use std::sync::{Arc, OnceLock, Weak};

use ironsky::app::App;
use ironsky::config::Config;
use ironsky::message::Address;
use ironsky::node::Node;

#[test]
fn pending_sessions_are_not_handed_out_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log").display().to_string();
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    let (scripts, modules) = (format!("{tests}/session_wrap/?.lua"), format!("{tests}/lua/?.lua"));
    let config = Config::from_pairs([
        ("harbor", "0"),
        ("thread", "2"),
        ("start", "wrap"),
        ("luaservice", &*scripts),
        ("lua_path", &*modules),
        ("logger", &*log),
    ])
    .expect("the config is right");

    let node_of_services: Arc<OnceLock<Weak<Node>>> = Arc::default();
    let of_services = Arc::clone(&node_of_services);
    let node = App::new(config)
        .lua_module("skip_to", move |lua| {
            let of_services = Arc::clone(&of_services);
            lua.create_function(move |_, (address, last): (u32, i32)| {
                let node = of_services.get().and_then(Weak::upgrade).expect("the node runs");
                let cell = node.scheduler().registry.find(Address::new(address));
                cell.expect("it calls").sessions.skip_to(last);
                Ok(())
            })
        })
        .build();
    node_of_services.set(Arc::downgrade(&node)).expect("set once");

    // A check that fails ends the process, and says where.
    assert_eq!(node.run().expect("the node starts"), 0);
    let log = std::fs::read_to_string(&log).expect("the node has logged");
    assert!(!log.contains("lua call"), "{log}");
}
