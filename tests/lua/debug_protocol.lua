-- The debug protocol: every Lua service answers it.

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode = ...

if mode == "subject" then
	local debug_commands = require "skynet.debug"
	debug_commands.reg_debugcmd("OWN", function(...)
		skynet.retpack("own", ...)
	end)
	skynet.info_func(function(...)
		return { info = select("#", ...), ... }
	end)
	local value = { secret = 1 }
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, what)
			if what == "secret" then
				skynet.retpack(value.secret)
			else
				skynet.wait "never"
			end
		end)
	end)
	return
end

if mode == "slow_start" then
	skynet.start(function()
		skynet.dispatch("lua", function()
			skynet.wakeup "go"
		end)
		skynet.register ".debug_slow"
		skynet.wait "go"
	end)
	return
end

local subject

local function ask(...)
	return skynet.call(subject, "debug", ...)
end

local function figures()
	check.equal(math.type(ask "MEM"), "float")
	local stat = ask "STAT"
	check.equal(stat.task, 0)
	check.equal(stat.mqlen, 0)
	check.ok(stat.message > 0)
	check.equal(type(stat.cpu), "number")
	check.results({ n = 0 }, ask "PING")
	skynet.send(subject, "debug", "GC")
	skynet.send(subject, "debug", "GC")
	ask "PING"
	check.logs "GC %d+%.%d%d Kb %-> %d+%.%d%d Kb, cost %d+%.%d%d sec\n"
end

local function tasks()
	check.same(ask "TASK", {})
	local blocked = check.background(skynet.call, subject, "lua", "block")
	local key, trace = next((ask "TASK"))
	check.match(key, "^thread: 0x%x+ session: %d+$")
	check.match(trace, "^stack traceback:\n")
	local session = tonumber(key:match "%d+$")
	check.equal(ask("TASK", session), trace)
	check.equal(ask("TASK", 987654), "No session")
	check.equal(ask("TASK", "init"), nil)
	check.equal((ask "UNIQTASK")["1\tsessions:[" .. session .. "]\n"], trace)
	check.results({ "Not found" }, ask("KILLTASK", "no such thread"))
	check.logs "Kill no such thread : Not found\n"
	local thread = key:match "0x%x+"
	check.results({ n = 0 }, ask("KILLTASK", thread))
	check.logs("Kill thread: " .. thread .. "\n")
	check.ok(not check.outcome(blocked))
end

local function the_start_task()
	local starting = check.background(check.helper, "slow_start")
	local address = check.eventually(function() return skynet.localname ".debug_slow" end, "name")
	check.match(skynet.call(address, "debug", "TASK", "init"), "debug_protocol%.lua:%d+")
	skynet.send(address, "lua")
	check.ok(check.outcome(starting))
end

local function information()
	check.results({ { info = 2, "a", 1 } }, ask("INFO", "a", 1))
	check.results({ "own", 1, nil, n = 3 }, ask("OWN", 1, nil))
	local echo = skynet.newservice "echo"
	check.equal(skynet.call(echo, "debug", "INFO"), nil)
	check.equal(ask("SUPPORT", "lua"), true)
	check.equal(ask("SUPPORT", "no such protocol"), false)
	check.raises("call failed", ask, "NONSENSE")
	check.logs "\27%[31m[^\n]*NONSENSE"
end

local function running_code()
	local ok, output = ask("RUN", [[
		local skynet = require "skynet"
		print("hello", 1)
		skynet.sleep(0)
		_P.lua.value.secret = 42
		print(...)
		new_global = 1
	]], nil, "a", "b")
	check.equal(ok, true)
	check.equal(output, "hello\t1\na\tb")
	check.equal(skynet.call(subject, "lua", "secret"), 42)
	ok, output = ask("RUN", "print 'before' error 'injected'", "file.lua")
	check.equal(ok, false)
	check.match(output, "^before\nfile%.lua:1: injected")
	ok, output = ask("RUN", "print(tostring(new_global))")
	check.equal(output, "nil")
	ok, output = ask("RUN", "local =", "file.lua")
	check.equal(ok, false)
	check.match(output, "^file%.lua:1:")
end

local function links_and_ends()
	local link = check.background(skynet.call, subject, "debug", "LINK")
	local peer = skynet.newservice "echo"
	skynet.send(subject, "debug", "TERM", peer)
	ask "PING"
	check.ok(not link.done)
	check.raises("call failed", ask, "EXIT")
	check.ok(not check.outcome(link))
end

check.main(function()
	subject = check.helper "subject"
	figures()
	tasks()
	the_start_task()
	check.step "figures and tasks"
	information()
	running_code()
	check.step "information and code"
	links_and_ends()
end)
