-- The service launcher: its commands and its list.
--! log: Open log file

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode = ...

if mode == "stuck" then
	skynet.start(function()
		skynet.register ".stuck"
		skynet.dispatch("lua", function()
			-- Keeps this service in one message, so that it answers no question.
			repeat until skynet.getenv "stuck_was_asked"
		end)
	end)
	return
end

if mode == "asks" then
	local me = tonumber((select(2, ...)))
	skynet.start(function()
		skynet.dispatch("lua", function()
			skynet.wakeup "go"
		end)
		skynet.send(me, "lua", skynet.self())
		skynet.wait "go"
	end)
	return
end

local function ask(...)
	return skynet.call(".launcher", "lua", ...)
end

local function the_list(echo)
	local list = ask "LIST"
	check.equal(list[skynet.address(echo)], "snlua echo a b")
	check.equal(list[":00000004"], "snlua cdummy")
	check.equal(list[":00000006"], "snlua datacenterd")
	check.equal(list[":00000007"], "snlua service_mgr")
	check.equal(list[":00000008"], "snlua launcher_protocol")
	check.equal(list[":00000003"], nil)
	local direct = skynet.launch("snlua", "echo")
	check.equal(ask("list")[skynet.address(direct)], nil)
	check.same(ask "NONSENSE", { "Unknown command" })
end

local function statistics(echo)
	local key = skynet.address(echo)
	for _, timeout in ipairs { false, 1000 } do
		local stat = ask("STAT", timeout or nil)[key]
		check.equal(math.type(stat.mqlen), "integer")
		check.equal(math.type(stat.message), "integer")
		check.equal(math.type(stat.task), "integer")
		check.equal(type(stat.cpu), "number")
		check.match(ask("MEM", timeout or nil)[key], "^%d+%.%d%d Kb %(snlua echo a b%)$")
		check.match(ask("GC", timeout or nil)[key], "^%d+%.%d%d Kb %(snlua echo a b%)$")
	end
	check.logs "GC %d+%.%d%d Kb %-> %d+%.%d%d Kb, cost %d+%.%d%d sec"
end

local function stuck_services_time_out()
	local stuck = check.helper "stuck"
	local key = skynet.address(stuck)
	skynet.send(stuck, "lua")
	check.equal(ask("STAT", 10)[key], "TIMEOUT")
	check.equal(ask("MEM", 10)[key], "TIMEOUT (snlua launcher_protocol stuck)")
	skynet.setenv("stuck_was_asked", "yes")
	skynet.kill(stuck)
end

local function killing(echo)
	local key = skynet.address(echo)
	check.same(ask("KILL", echo), { [key] = "snlua echo a b" })
	check.equal(ask("LIST")[key], nil)
	check.results({}, skynet.send(echo, "lua"))
	local other = skynet.newservice "echo"
	key = skynet.address(other)
	check.same(ask("KILL", key), { [key] = "nil" })
	check.results({}, skynet.send(other, "lua"))
end

local function removal(echo)
	skynet.send(".launcher", "lua", "REMOVE", echo, false)
	check.equal(ask("LIST")[skynet.address(echo)], nil)
	check.equal(skynet.call(echo, "lua", "alive"), "alive")
end

local function queries()
	local asked
	skynet.dispatch("lua", function(_, _, address)
		asked = address
	end)
	local co
	local starting = check.background(function()
		co = coroutine.running()
		return check.helper("asks", skynet.self())
	end)
	local session = skynet.task(co)
	check.eventually(function() return asked end, "the new service")
	check.equal(ask("QUERY", session), asked)
	skynet.send(asked, "lua")
	check.results({ true, asked }, check.outcome(starting))
	check.equal(ask("QUERY", session), nil)
end

local function native_services_report_in_text()
	local launched = check.background(ask, "LAUNCH", "logger", skynet.getenv "logpath" .. "/other.log")
	local address = check.eventually(function()
		for key, line in pairs(ask "LIST") do
			if line:find "^logger " then
				return tonumber(key:sub(2), 16)
			end
		end
	end, "the logger is listed")
	check.ok(not launched.done)
	skynet.register_protocol { name = "text", id = skynet.PTYPE_TEXT, pack = tostring }
	skynet.redirect(skynet.localname ".launcher", address, "text", 0, "")
	check.results({ true, address }, check.outcome(launched))
	check.raises("call failed", ask, "LAUNCH", "logger", "/no/such/folder/x.log")
	check.raises("call failed", ask, "LAUNCH", "no_such_module", "x")
	skynet.send(".launcher", "text", "NONSENSE")
	ask "LIST"
	check.logs "Invalid text command NONSENSE"
end

local function logged_launch()
	local service = ask("LOGLAUNCH", "snlua", "echo", "logged")
	check.equal(skynet.call(service, "lua", "x"), "x")
	check.equal(ask("LIST")[skynet.address(service)], "snlua echo logged")
	local path = string.format("%s/%08x.log", skynet.getenv "logpath", service)
	local file = check.eventually(function() return io.open(path) end, path)
	check.match(file:read "l", "^open time: %d+ ")
	file:close()
end

check.main(function()
	local echo = skynet.newservice("echo", "a", "b")
	the_list(echo)
	check.step "LIST"
	statistics(echo)
	check.step "STAT, MEM, GC"
	stuck_services_time_out()
	killing(echo)
	removal(skynet.newservice "echo")
	check.step "KILL, REMOVE"
	queries()
	check.step "QUERY"
	native_services_report_in_text()
	logged_launch()
end)
