-- skynet.manager: launch, kill, monitor. (register and name are in the test "names".)

local check = require "check"
local skynet = require "skynet"
local manager = require "skynet.manager"

local mode = ...

if mode == "mortal" then
	check.serve { exit = skynet.exit, wait = skynet.wait }
	return
end

local function launching()
	check.equal(manager, skynet)
	local service = skynet.launch("snlua", "echo", "argument")
	check.equal(math.type(service), "integer")
	check.eventually(function()
		local ok, argument = pcall(skynet.call, service, "lua", "argument")
		return ok and argument == "argument"
	end, "the service answers")
	check.equal(skynet.launch("no_such_module", "x"), nil)
	check.equal(skynet.launch("logger", "/no/such/folder/x.log"), nil)
	check.logs "error: launch logger FAILED"
end

local function killing()
	local by_number = check.helper "mortal"
	skynet.kill(by_number)
	check.results({}, skynet.send(by_number, "lua"))
	check.logs(string.format("KILL :%x\n", by_number))
	local by_hex = check.helper "mortal"
	skynet.kill(skynet.address(by_hex))
	check.results({}, skynet.send(by_hex, "lua"))
	local list = skynet.call(".launcher", "lua", "LIST")
	check.equal(list[skynet.address(by_number)], nil)
	check.equal(list[skynet.address(by_hex)], nil)
	local by_name = check.helper "mortal"
	skynet.name(".mortal", by_name)
	skynet.kill ".mortal"
	check.results({}, skynet.send(by_name, "lua"))
	check.equal(skynet.localname ".mortal", nil)
	skynet.kill(0xffff)
	check.logs "KILL :ffff\n"
end

local function monitoring()
	local monitor = skynet.monitor "exit_monitor"
	check.equal(skynet.queryservice(true, "exit_monitor"), monitor)
	check.equal(skynet.monitor("exit_monitor", true), monitor)
	local exits, killed = check.helper "mortal", check.helper "mortal"
	check.equal(skynet.call(monitor, "lua", "WATCH", killed), true)
	local blocked = check.background(skynet.call, killed, "lua", "wait")
	skynet.send(exits, "lua", "exit")
	skynet.call(killed, "debug", "PING")
	skynet.kill(killed)
	local ok, err = check.outcome(blocked)
	check.ok(not ok)
	check.match(err, "call failed$")
	check.eventually(function()
		return skynet.call(monitor, "lua", "DEAD", exits) and skynet.call(monitor, "lua", "DEAD", killed)
	end, "both deaths are known")
	check.equal(skynet.call(monitor, "lua", "WATCH", killed), false)
	check.same(skynet.call(monitor, "lua", "ODD"), {})
end

check.main(function()
	launching()
	killing()
	monitoring()
end)
