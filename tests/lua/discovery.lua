-- Nodes that are found by a resolver of the user which does not watch: explicit entries win,
-- denials and failures reach the caller, addresses are looked for again.
--! differs: there is no discovery
--! config: lua_path = lua_path .. ";@TESTS@/module/?.lua"
--! log: node moves is at 127.0.0.1:
--! log: cluster discovery asking_resolver:here?keeps=1: the engine is away
--! log: answers again
--! log: node moves is at no address any more: it was taken away

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local peer = require "module.cluster_peer"
local discovery_stage = require "discovery_stage"

-- What the engine says, and how often it was asked, by the name of the node.
local zone, asked = {}, {}
local away = false

local engine = {}

-- Somebody has asked for the node "slow", which is told when `go_on` is called.
local go_on

function engine.resolve(name)
	asked[name] = (asked[name] or 0) + 1
	if name == "slow" then
		local co = coroutine.running()
		go_on = function()
			skynet.wakeup(co)
		end
		skynet.wait()
	end
	if away then
		return "raise", "the engine is away"
	end
	local entry = zone[name] or { nil, "nobody knows it" }
	return entry[1], entry[2]
end

function engine.announce()
	return true
end

local function call(node, ...)
	return cluster.call(node, "@main", "echo", ...)
end

local function address_of(node)
	local link = peer.link(node)
	return link.address, link.from
end

local function wrong_sources()
	for source, wrong in pairs {
		[""] = 'cluster.discover failed: cluster_discovery = "": it must begin with the name of a module$',
		["no_such_module:x"] = "module 'no_such_module' not found",
		["check:x"] = "the module check returns a table and no function",
		["asking_resolver:x?colour=red"] = "there is no option colour",
		["asking_resolver:x?ttl=never"] = 'the option ttl must be a number above 0, not "never"',
		["dns:test?port=70000"] = "the option port must be the number of a port, not 70000",
		["dns:test?server=here"] = 'the option server must be IP:PORT, not "here"',
		["etcd:localhost/x"] = "etcd:http://HOST:PORT/PREFIX is wanted",
		["etcd:http:///x"] = "the address of etcd is http://HOST:PORT/PREFIX",
		["etcd:http://root:secret@127.0.0.1:2379"] = "http://root:%*%*%*@127.0.0.1:2379\": .* is wanted$",
		["etcd:http://root:secret@/x"] = "there is no host",
		["etcd:http://root:se/cret@127.0.0.1:2379/x"] = "http://root:%*%*%*@.* a / in a password is written as %%2F",
	} do
		local ok, text = pcall(cluster.discover, source)
		check.equal(ok, false)
		check.match(text, wrong)
		check.ok(not string.find(text, "cret"), text)
	end
	check.raises("there is no discovery of nodes (config key cluster_discovery, or cluster.discover)",
		cluster.announce, "red", "127.0.0.1:1")
end

-- Who waits for a node that nobody has configured is woken when there is a discovery.
local function those_who_wait(address)
	zone.waited = { address, 60 }
	local waits = check.background(call, "waited", 1)
	-- Who asks for it while it is opened gets the outcome of that.
	local opening = check.background(cluster.discover, "asking_resolver:here?keeps=1")
	cluster.discover "asking_resolver:here?keeps=1"
	check.ok(peer.status "discovery", "there is a discovery now")
	check.equal(check.outcome(opening), true)
	check.results({ true, 1 }, check.outcome(waits))
	check.raises("nodes are discovered from another source already", cluster.discover, "dns:test")
	cluster.discover "asking_resolver:here?keeps=1"
end

local function found(address)
	zone.there = { address, 60 }
	for i = 1, 3 do
		check.equal(call("there", i), i)
	end
	check.equal(asked.there, 1, "it is asked for once")
	check.results({ address, "discovery" }, address_of "there")
end

local function denied()
	local REASON <const> = "cluster call to node nobody failed: nobody knows it %(from asking_resolver:here%?keeps=1%)$"
	for _ = 1, 50 do
		check.raises_like(REASON, call, "nobody")
	end
	check.ok(asked.nobody < 50, "a denial holds for a while")
	zone.nobody = { 7100 }
	check.eventually(function()
		local _, text = pcall(call, "nobody")
		return string.find(text, "node nobody failed: the resolver returns a number and no address")
	end, "it is asked again")
end

local function configured_nodes(first, second)
	zone.configured = { "127.0.0.1:1", 60 }
	cluster.reload { configured = first }
	check.equal(call("configured", 5), 5)
	check.equal(asked.configured, nil)
	check.results({ first, "config" }, address_of "configured")
	cluster.reload { there = second }
	check.equal(call("there", 6), 6)
	check.results({ second, "config" }, address_of "there")
	-- A node that is marked down is not looked for.
	cluster.reload { down = false }
	check.raises_like("node %[down%] is down", call, "down")
	check.equal(asked.down, nil)
end

local function moves(first, second)
	zone.moves = { first, 1 }
	check.equal(call("moves", 1), 1)
	zone.moves = { second, 1 }
	check.eventually(function()
		return address_of "moves" == second
	end, "the link moves")
	check.equal(call("moves", 2), 2)
end

local function engine_away()
	away = true
	check.raises_like("node unknown failed: .*the engine is away %(from", call, "unknown")
	local before = asked.moves
	check.eventually(function()
		return asked.moves > before
	end, "it is looked for again")
	check.equal(call("moves", 3), 3)
	away = false
	check.eventually(function()
		return not peer.status "discovery".error
	end, "the engine answers again")
	check.logged "the engine is away"
end

local function vanishes(first)
	local waits = check.background(cluster.call, "moves", "@main", "hang")
	zone.moves = { nil, "it was taken away" }
	local ok, text = check.outcome(waits)
	check.equal(ok, false)
	check.match(text, "cluster call to node moves failed: node moves .*: it was taken away$")
	check.raises_like("node moves is gone: it was taken away$", call, "moves")
	zone.moves = { first, 1 }
	check.eventually(function()
		return pcall(call, "moves", 4)
	end, "it is found again")
end

-- Two who look for one node at once: clusterd for a call, and to listen under its name.
local function two_at_once(address)
	zone.slow = { address, 1 }
	local call_to = check.background(call, "slow", 1)
	check.eventually(function()
		return go_on
	end, "the engine is asked")
	local first_goes_on = go_on
	go_on = nil
	local opening = check.background(cluster.open, "slow")
	check.eventually(function()
		return go_on
	end, "the engine is asked again")
	local second_goes_on = go_on
	go_on = nil
	first_goes_on()
	second_goes_on()
	check.results({ true, 1 }, check.outcome(call_to))
	check.equal(check.outcome(opening), false)
	-- One of them looks again from now on: nobody else asks while the engine does not answer.
	check.eventually(function()
		return go_on
	end, "the node is looked for again")
	check.equal(asked.slow, 3)
	zone.slow[2] = 60
	skynet.timeout(0, go_on)
	zone.late = { address, 1 }
	check.equal(call("late", 1), 1)
	check.eventually(function()
		return asked.late >= 3
	end, "another one has been looked for twice")
	check.equal(asked.slow, 3)
end

-- What a resolver cannot take back is kept alive no more.
local function announcements_that_stay()
	cluster.announce("stays", "127.0.0.1:1")
	check.equal(#peer.status "discovery".announced, 1)
	cluster.withdraw "stays"
	check.equal(#peer.status "discovery".announced, 0)
	check.logged "withdrew node stays"
end

-- A resolver may say that an address holds for ever.
local function addresses_that_hold_for_ever(address)
	for index, seconds in ipairs { math.huge, 1e300, 0 / 0, -math.huge } do
		zone["holds" .. index] = { address, seconds }
		check.equal(call("holds" .. index, index), index)
	end
end

check.main(function()
	local first, second = discovery_stage(engine)
	wrong_sources()
	those_who_wait(first)
	found(first)
	denied()
	configured_nodes(first, second)
	moves(first, second)
	engine_away()
	vanishes(first)
	two_at_once(first)
	addresses_that_hold_for_ever(first)
	announcements_that_stay()
end)
