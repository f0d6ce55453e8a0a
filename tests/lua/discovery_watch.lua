-- A resolver that watches and announces: changes move links at once, announcements are kept alive.
--! differs: there is no discovery
--! config: lua_path = lua_path .. ";@TESTS@/module/?.lua"
--! config: cluster_discovery = "asking_resolver:here?watch=1&ttl=0.3"
--! log: refused to announce node taken at 127.0.0.1:1: somebody has it
--! log: announced node mine at 127.0.0.1:1
--! log: refused to announce node mine at 127.0.0.1:1: it was lost
--! log: withdrew node mine

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local peer = require "module.cluster_peer"
local discovery_stage = require "discovery_stage"

local engine = {}

-- The watch: who waits for the next change, and changes that wait.
local watches, changes, waiting = 0, {}, nil
local zone = {}
local kept, withdrawn = {}, {}
local holder = "nobody"

function engine.resolve(name)
	return zone[name], "nobody knows it"
end

function engine.watch()
	watches = watches + 1
end

function engine.change()
	waiting = coroutine.running()
	while not changes[1] do
		skynet.wait()
	end
	waiting = nil
	local change = table.remove(changes, 1)
	if change == "lost" then
		return "raise", "the watch is lost"
	end
	return table.unpack(change, 1, 3)
end

-- The engine is being told of a node, and goes on when this is called.
local go_on

function engine.announce(name)
	if name == "taken" then
		return nil, "somebody has it"
	elseif name == "runs_out" and holder then
		holder = holder - 1
		if holder > 0 then
			return nil, "a dead node has it", holder
		end
	elseif name == "alive" then
		holder = holder + 1
		return nil, "a node that lives has it", holder
	end
	if name == "first_held" or name == "second_held" and kept[name] then
		local co = coroutine.running()
		go_on = function()
			skynet.wakeup(co)
		end
		skynet.wait()
	end
	kept[name] = (kept[name] or 0) + 1
	if kept[name] == 3 then
		return nil, "it was lost"
	end
	return true
end

function engine.withdraw(name)
	withdrawn[name], kept[name] = true, nil
end

local function tell(change)
	table.insert(changes, change)
	if waiting then
		skynet.wakeup(waiting)
	end
end

local function call(node, ...)
	return cluster.call(node, "@main", "echo", ...)
end

local function address_of(node)
	return peer.link(node).address
end

local function changes_are_followed(first, second)
	zone.red = first
	check.equal(call("red", 1), 1)
	tell { "unasked", first }
	tell { "red", first }
	tell { "red", second }
	check.eventually(function()
		return address_of "red" == second
	end, "the link moves")
	check.equal(call("red", 2), 2)
	local waits = check.background(cluster.call, "red", "@main", "hang")
	zone.red = nil
	tell { "red", nil, "its key has expired" }
	local ok, text = check.outcome(waits)
	check.equal(ok, false)
	check.match(text, "node red .*: its key has expired$")
	check.raises_like("node red is gone: its key has expired$", call, "red")
	tell { "red", first }
	check.eventually(function()
		return pcall(call, "red", 3)
	end, "it is back")
end

local function the_watch_is_lost(second)
	local before = watches
	tell "lost"
	check.eventually(function()
		return watches > before
	end, "it watches again")
	tell { "red", second }
	check.eventually(function()
		return address_of "red" == second
	end, "changes come again")
end

-- What is withdrawn while the engine is told of it is not there in the end.
local function withdrawn_on_the_way()
	for _, at in ipairs { "first", "second" } do
		local name = at .. "_held"
		local announcing = check.background(cluster.announce, name, "127.0.0.1:1")
		check.eventually(function()
			return go_on
		end, "the engine is told for the " .. at .. " time")
		local withdrawing = check.background(cluster.withdraw, name)
		check.eventually(function()
			return #peer.status("discovery").announced == 0
		end, "the withdrawal is on its way")
		go_on()
		go_on = nil
		check.equal(check.outcome(withdrawing), true)
		local ok, text = check.outcome(announcing)
		check.equal(ok, at == "second")
		if not ok then
			check.match(text, "node first_held was withdrawn meanwhile$")
		end
		check.equal(kept[name], nil)
	end
end

local function announcements()
	check.raises("refused to announce node taken at 127.0.0.1:1: somebody has it",
		cluster.announce, "taken", "127.0.0.1:1")
	check.raises_like("the address must be \"host:port\"", cluster.announce, "mine", "here")
	cluster.announce("mine", "127.0.0.1:1")
	check.raises("node mine is announced already, at 127.0.0.1:1", cluster.announce, "mine", "127.0.0.1:2")
	check.eventually(function()
		return kept.mine >= 5
	end, "it is kept alive, also after a refusal")
	local announced = peer.status "discovery".announced
	check.equal(#announced, 1)
	check.equal(announced[1].node, "mine")
	cluster.withdraw "mine"
	check.ok(withdrawn.mine)
	check.equal(#peer.status "discovery".announced, 0)
end

-- A name may be a dead node's: its time runs out. That of a living one does not.
local function names_that_run_out()
	holder = 3
	cluster.announce("runs_out", "127.0.0.1:1")
	check.equal(holder, 0)
	cluster.withdraw "runs_out"
	holder = 3
	check.raises_like("a node that lives has it$", cluster.announce, "alive", "127.0.0.1:1")
	check.equal(holder, 5)
end

check.main(function()
	local first, second = discovery_stage(engine)
	changes_are_followed(first, second)
	the_watch_is_lost(second)
	announcements()
	names_that_run_out()
	withdrawn_on_the_way()
end)
