-- Calls with a time limit of the runtime: the error, the late answer, the limit of a service.
--! differs: the reference has no time limits of calls

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "slow" then
	local waiting = {}
	check.serve {
		wait = function(key)
			waiting[key] = true
			skynet.wait(key)
			return "answer " .. key
		end,
		go = function(key)
			skynet.wakeup(key)
		end,
		waits = function(key)
			return waiting[key]
		end,
		now = function(...)
			return ...
		end,
		session = function()
			return (skynet.context())
		end,
	}
	return
end

local function timed_out(text, callee, kind)
	check.match(text, "^call to " .. callee:gsub("%p", "%%%0")
		.. " timed out: no answer of type " .. kind .. " for %d+%.%d+ s$")
end

-- How many sessions this service still knows.
local function waiters()
	return #require "skynet.native.internal".tasks()
end

check.main(function()
	local slow = check.helper "slow"
	local name = skynet.address(slow)

	-- In time: as a call. A limit of 0 or less is none.
	check.results({ 1, "x", { a = true } }, skynet.call_timeout(100000, slow, "lua", "now", 1, "x",
		{ a = true }))
	check.results({ 1 }, skynet.call_timeout(0, slow, "lua", "now", 1))
	check.results({ 1 }, skynet.call_timeout(-5, slow, "lua", "now", 1))

	-- Too late: the error names callee, type and age.
	local ok, err = pcall(skynet.call_timeout, 3, slow, "lua", "wait", "a")
	check.equal(ok, false)
	timed_out(err, name, "lua")
	check.ok(tonumber(err:match "for (%S+) s$") >= 0.02, err)

	-- By a name, and with another protocol.
	require "skynet.manager"
	skynet.name(".slow", slow)
	ok, err = pcall(skynet.call_timeout, 2, ".slow", "lua", "wait", "b")
	check.equal(ok, false)
	timed_out(err, ".slow", "lua")
	ok, err = pcall(skynet.call_timeout, 2, slow, "debug", "LINK")
	check.equal(ok, false)
	timed_out(err, name, "debug")

	-- The late answers are dropped, and nothing is left of them.
	skynet.call(slow, "lua", "go", "a")
	skynet.call(slow, "lua", "go", "b")
	skynet.call(slow, "lua", "now")
	check.not_logged "Unknown session"
	check.not_logged "Unknown request"

	-- The limit of the service holds for call and rawcall; a limit of the call comes first.
	check.equal(skynet.call_limit(3), 0)
	check.raises_like("timed out", skynet.call, slow, "lua", "wait", "c")
	check.raises_like("timed out", skynet.rawcall, slow, "lua", skynet.pack("wait", "d"))
	local patient = check.background(skynet.call_timeout, 0, slow, "lua", "wait", "e")
	check.raises_like("timed out", skynet.call, slow, "lua", "wait", "f")
	check.equal(patient.done, nil)
	check.equal(skynet.call_limit(0), 3)
	skynet.call(slow, "lua", "go", "e")
	check.results({ true, "answer e" }, check.outcome(patient))

	-- Many at once, with limits in all orders: each ends by its own.
	local order = check.in_one_tick(function()
		local order = {}
		for i = 1, 20 do
			local limit = i * 7 % 20 + 1
			skynet.fork(function()
				check.raises_like("timed out", skynet.call_timeout, limit, slow, "lua", "wait", {})
				order[#order + 1] = limit
			end)
		end
		skynet.yield()
		return order
	end)
	check.eventually(function() return #order == 20 end, "all time out")
	for i = 2, #order do
		check.ok(order[i - 1] <= order[i], "limit " .. order[i - 1] .. " before " .. order[i])
	end

	-- A call that was answered leaves nothing but the timer.
	for i = 1, 1000 do
		skynet.call_timeout(100000 + i, slow, "lua", "now")
	end
	check.ok(waiters() < 100, "waiters: " .. waiters())

	-- The callee ends while the call has a limit: the end is told, not the time.
	ok, err = pcall(skynet.call_timeout, 100000, check.helper "slow", "debug", "EXIT")
	check.results({ false, "call failed" }, ok, err)

	-- Bad arguments.
	check.raises_like("bad argument #1", skynet.call_timeout, "soon", slow, "lua")
	check.raises_like("call to invalid address", skynet.call_timeout, 10, 0xffffff, "lua")
	check.raises_like("bad argument #1", skynet.call_limit, {})
	check.equal(skynet.call_limit(), 0)
end)
