-- uniqueservice and queryservice, and the service manager behind them.

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"



local function same_instance()
	local first = skynet.uniqueservice("echo", "arguments")
	check.equal(skynet.uniqueservice "echo", first)
	check.equal(skynet.uniqueservice("echo", "others"), first)
	check.equal(skynet.queryservice "echo", first)
	check.equal(skynet.call(first, "lua", "argument"), "arguments")
end

local function global_instance()
	local here = skynet.queryservice "echo"
	local global = skynet.uniqueservice(true, "echo", "global")
	check.ok(global ~= here)
	check.equal(skynet.queryservice(true, "echo"), global)
	check.equal(skynet.call(global, "lua", "argument"), "global")
	check.equal(skynet.call(".service", "lua", "GQUERY", "echo"), global)
	check.equal(skynet.call("SERVICE", "lua", "QUERY", "@echo"), global)
end

local function concurrent_launches_share_one()
	local query = check.background(skynet.queryservice, "slow_start")
	local calls = {}
	for i = 1, 5 do
		calls[i] = check.background(skynet.uniqueservice, "slow_start", "g")
	end
	check.ok(not query.done and not calls[1].done)
	local list = skynet.call(".service", "lua", "LIST")
	check.match(list.slow_start, "^Init as :%x+\n")
	check.match(list.slow_start, "\nLaunching from :00000008\n")
	check.match(list.slow_start, "\nQuerying:\n?:00000008 ")
	local address = check.eventually(function() return skynet.localname ".slow_start" end, "slow")
	skynet.send(address, "lua", "go")
	for i = 1, 5 do
		check.results({ true, address }, check.outcome(calls[i]))
	end
	check.results({ true, address }, check.outcome(query))
end

local function failures_are_remembered()
	local ok, first = pcall(skynet.uniqueservice, "no_such_service")
	check.ok(not ok)
	check.match(first, "call failed$")
	local log_before = select(2, check.log():gsub("LAUNCH snlua no_such_service", ""))
	check.raises("call failed", skynet.uniqueservice, "no_such_service")
	check.raises("call failed", skynet.queryservice, "no_such_service")
	local log_after = select(2, check.log():gsub("LAUNCH snlua no_such_service", ""))
	check.equal(log_after, log_before)
end

local function clean_exits_are_forgotten()
	check.raises("assertion failed!", skynet.uniqueservice, "exits_at_start")
	check.raises("assertion failed!", skynet.uniqueservice, "exits_at_start")
	local launches = select(2, check.log():gsub("LAUNCH snlua exits_at_start", ""))
	check.equal(launches, 2)
end

local function the_protocol()
	local list = skynet.call(".service", "lua", "LIST")
	check.equal(list.echo, skynet.address(skynet.queryservice "echo"))
	check.equal(list["@echo"], skynet.address(skynet.queryservice(true, "echo")))
	check.match(list.no_such_service, "^Error: .*call failed")
	check.equal(list.exits_at_start, nil)
	local value, err = skynet.call(".service", "lua", "NONSENSE")
	check.equal(value, nil)
	check.equal(err, "Invalid command NONSENSE")
	local again = skynet.newservice "service_mgr"
	check.equal(again, nil)
	check.equal(skynet.localname ".service", 7)
end

check.main(function()
	same_instance()
	global_instance()
	concurrent_launches_share_one()
	failures_are_remembered()
	clean_exits_are_forgotten()
	the_protocol()
end)
