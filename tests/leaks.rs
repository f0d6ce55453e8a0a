//! What a node leaves behind: nothing. Cycles between a service's parts would keep both alive.

use std::sync::{Arc, Mutex, OnceLock, Weak};

use ironsky::config::Config;
use ironsky::message::Address;
use ironsky::node::{Modules, Node, NodeSettings};
use ironsky::service::ServiceCell;
use ironsky::sync::Selected;
use ironsky::{lua, native};

/// Launches services, has the test remember them, and lets them end in different ways.
const MAIN: &str = r#"
local skynet = require "skynet"
require "skynet.manager"
local remember = require "remember"

local mode = ...
if mode then
	skynet.start(function()
		skynet.dispatch("lua", function()
			skynet.ret()
			skynet.fork(skynet.exit)
		end)
	end)
	return
end

skynet.start(function()
	for i = 1, 20 do
		local address = skynet.newservice(SERVICE_NAME, "child")
		remember(address)
		if i % 2 == 0 then
			skynet.kill(address)
		else
			skynet.call(address, "lua")
		end
	end
	remember(skynet.self())
	skynet.abort()
end)
"#;

#[test]
fn services_and_node_are_freed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("leaks.lua"), MAIN).expect("the script is written");
    let log = folder.path().join("log").display().to_string();
    let scripts = format!("{}/?.lua", folder.path().display());
    let pairs = [("harbor", "0"), ("start", "leaks"), ("luaservice", &scripts), ("logger", &log)];
    let config = Config::from_pairs(pairs).expect("the config is right");

    let cells: Arc<Mutex<Vec<Weak<ServiceCell<Selected>>>>> = Arc::default();
    let node_of_services: Arc<OnceLock<Weak<Node>>> = Arc::default();
    let mut runtime = lua::Runtime::new();
    let (seen, of_services) = (Arc::clone(&cells), Arc::clone(&node_of_services));
    runtime.register_module("remember", move |lua| {
        let (seen, of_services) = (Arc::clone(&seen), Arc::clone(&of_services));
        lua.create_function(move |_, address: u32| {
            let node = of_services.get().and_then(Weak::upgrade).expect("the node runs");
            let cell = node.scheduler().registry.find(Address::new(address));
            seen.lock().unwrap().push(Arc::downgrade(&cell.expect("the service lives")));
            Ok(())
        })
    });
    let mut modules = Modules::new();
    native::install(&mut modules);
    runtime.install(&mut modules);

    let node = Node::new(NodeSettings::of(&config), config.environment, modules);
    node_of_services.set(Arc::downgrade(&node)).expect("set once");
    assert_eq!(node.run().expect("the node starts"), 0, "see {log}");

    let left = cells.lock().unwrap().iter().filter(|cell| cell.strong_count() > 0).count();
    assert_eq!((cells.lock().unwrap().len(), left), (21, 0), "services seen, services left");
    let node_left = Arc::downgrade(&node);
    drop(node);
    assert!(node_left.upgrade().is_none(), "something keeps the node alive");
}
