-- Many of everything at once: pending calls, sleepers, kills, an exit with all of them.

local check = require "check"
local skynet = require "skynet"

local COUNT = 20000

if ... == "holder" then
	local held = {}
	local command = {}

	function command.release()
		for i = 1, #held do
			held[i](true, i)
		end
		return #held
	end

	function command.sleep()
		for _ = 1, COUNT do
			skynet.fork(skynet.sleep, 100000, {})
		end
		skynet.yield()
		return skynet.task()
	end

	command.exit = skynet.exit

	skynet.start(function()
		skynet.dispatch("lua", function(_, _, name)
			if name == "hold" then
				held[#held + 1] = skynet.response()
			else
				skynet.retpack(command[name]())
			end
		end)
	end)
	return
end

local function pending_calls(holder)
	local answered, wrong = 0, 0
	for i = 1, COUNT do
		skynet.fork(function()
			if skynet.call(holder, "lua", "hold") ~= i then
				wrong = wrong + 1
			end
			answered = answered + 1
		end)
	end
	skynet.yield()
	check.equal(skynet.call(holder, "lua", "release"), COUNT)
	check.eventually(function() return answered == COUNT end, "all are answered")
	check.equal(wrong, 0)
end

local function sleepers()
	local woken = 0
	local tokens = {}
	for i = 1, COUNT do
		tokens[i] = {}
		skynet.fork(function()
			skynet.sleep(1000000, tokens[i])
			woken = woken + 1
		end)
	end
	skynet.yield()
	for i = 1, COUNT do
		check.equal(skynet.wakeup(tokens[i]), true)
	end
	skynet.yield()
	check.equal(woken, COUNT)
end

local function kills()
	local tasks = {}
	for i = 1, COUNT / 20 do
		tasks[i] = skynet.fork(skynet.sleep, 1000000, {})
	end
	skynet.yield()
	local waiting = skynet.task()
	for i = 1, #tasks do
		check.equal(skynet.killthread(tasks[i]), tasks[i])
	end
	check.equal(skynet.task(), waiting - #tasks)
end

check.main(function()
	local holder = check.helper "holder"
	pending_calls(holder)
	check.step "pending calls"
	sleepers()
	check.step "sleepers"
	kills()
	check.step "kills"
	check.ok(skynet.call(holder, "lua", "sleep") >= COUNT)
	check.raises("call failed", skynet.call, holder, "lua", "exit")
	check.eventually(function()
		return not skynet.send(holder, "lua", "hold")
	end, "the exit")
	check.step "an exit of all"
end)
