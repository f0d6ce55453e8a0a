-- Plain coroutines around blocking functions are undefined (skynet.coroutine is for that), but
-- they may confuse nobody else and never end the process.
--! differs: it resumes whoever waits last

local check = require "check"
local skynet = require "skynet"

if ... == "peer" then
	check.serve {
		echo = function(...)
			return ...
		end,
		later = function(...)
			skynet.sleep(5)
			return ...
		end,
	}
	return
end

local peer

local function abandoned_inside()
	local co = coroutine.create(function()
		skynet.call(peer, "lua", "echo", "lost")
	end)
	check.equal(coroutine.resume(co), true)
	check.equal(coroutine.status(co), "suspended")
	check.equal(skynet.call(peer, "lua", "later", "own"), "own")
	check.equal(skynet.call(peer, "lua", "echo", "next"), "next")
end

local function resumed_by_hand()
	local got
	local co = coroutine.wrap(function()
		got = table.pack(pcall(skynet.call, peer, "lua", "echo", string.rep("x", 10000)))
		got = table.pack(pcall(skynet.sleep, 1))
		got = table.pack(pcall(skynet.wait, "token"))
		return "end"
	end)
	co()
	for _ = 1, 3 do
		check.equal(skynet.call(peer, "lua", "later", "own"), "own")
		if co() == "end" then
			break
		end
	end
	check.equal(got[1], true)
end

local function the_task_ends_first()
	for _ = 1, 3 do
		skynet.fork(function()
			coroutine.wrap(skynet.call)(peer, "lua", "later", "lost")
			coroutine.wrap(skynet.sleep)(1)
		end)
	end
	skynet.sleep(10)
end

local function iterators()
	local words = coroutine.wrap(function()
		for i = 1, 3 do
			coroutine.yield(skynet.call(peer, "lua", "echo", i))
		end
	end)
	local rounds = 0
	for _ in words do
		rounds = rounds + 1
		if rounds > 10 then
			break
		end
	end
	check.equal(skynet.call(peer, "lua", "echo", "own"), "own")
end

local function resuming_tasks()
	local co = skynet.fork(function()
		skynet.sleep(10000)
		skynet.sleep(10000)
	end)
	skynet.yield()
	coroutine.resume(co)
	skynet.yield()
	coroutine.resume(co)
	check.equal(skynet.call(peer, "lua", "echo", "own"), "own")
	skynet.killthread(co)
	coroutine.resume(co)
end

local function closing_tasks()
	local co = skynet.fork(function()
		skynet.call(peer, "lua", "later", "x")
	end)
	skynet.yield()
	coroutine.close(co)
	local sleeper = skynet.fork(function()
		skynet.sleep(2)
	end)
	skynet.yield()
	coroutine.close(sleeper)
	local waiting = skynet.fork(function()
		skynet.wait "token"
	end)
	skynet.yield()
	coroutine.close(waiting)
	skynet.wakeup "token"
	skynet.sleep(10)
	skynet.killthread(waiting)
	local forked = skynet.fork(print, "never")
	coroutine.close(forked)
	skynet.sleep(1)
end

check.main(function()
	peer = check.helper "peer"
	for _, test in ipairs {
		abandoned_inside, resumed_by_hand, the_task_ends_first, iterators, resuming_tasks,
		closing_tasks,
	} do
		test()
		check.equal(skynet.call(peer, "lua", "later", "own"), "own")
		check.step "goes on"
	end
end)
