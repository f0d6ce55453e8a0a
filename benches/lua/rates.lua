-- Measures and logs how many calls, sends and starts of services a second the node does.
-- It uses only skynet's API, so that it runs on both.

local skynet = require "skynet"
require "skynet.manager"

local SECONDS = 2
local SERVICES = 500

local mode = ...

if mode == "echo" then
	skynet.start(function()
		skynet.dispatch("lua", function(session, _, ...)
			if session ~= 0 then
				skynet.retpack(...)
			end
		end)
	end)
	return
end

-- Repeats `step`, which does `count` things, for some seconds; returns how many it did a second.
local function rate(count, step)
	local start = skynet.hpc()
	local now, done = start, 0
	while now - start < SECONDS * 1000000000 do
		step()
		done = done + count
		now = skynet.hpc()
	end
	return done * 1000000000 // (now - start)
end

local function calls(echo)
	return rate(100, function()
		for i = 1, 100 do
			skynet.call(echo, "lua", i)
		end
	end)
end

if mode == "caller" then
	skynet.start(function()
		local echo = skynet.newservice("rates", "echo")
		skynet.dispatch("lua", function()
			skynet.retpack(calls(echo))
		end)
	end)
	return
end

local function calls_of_pairs(count)
	local requests = skynet.request()
	for _ = 1, count do
		requests:add { skynet.newservice("rates", "caller"), "lua" }
	end
	local sum = 0
	for _, answer in requests:select() do
		sum = sum + answer[1]
	end
	return sum
end

-- Sends in windows, each with one call at its end, so that the mailbox stays short.
local function sends(echo)
	return rate(100, function()
		for i = 1, 99 do
			skynet.send(echo, "lua", i)
		end
		skynet.call(echo, "lua")
	end)
end

local function starts()
	local started = {}
	local start = skynet.hpc()
	for i = 1, SERVICES do
		started[i] = skynet.newservice("rates", "echo")
	end
	local spent = skynet.hpc() - start
	for _, address in ipairs(started) do
		skynet.kill(address)
	end
	return SERVICES * 1000000000 // spent
end

skynet.start(function()
	local function report(what, value)
		skynet.error(string.format("RATE %-28s %10d a second", what, value))
	end
	report("calls, 1 pair", calls_of_pairs(1))
	report("calls, 8 pairs", calls_of_pairs(8))
	report("sends", sends(skynet.newservice("rates", "echo")))
	report("services started", starts())
	-- skynet drops the lines that are still on their way when a node ends.
	skynet.sleep(10)
	skynet.abort()
end)
