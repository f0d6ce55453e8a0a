-- Whoever waits for a service hears of its end, also when it was killed with the request taken.
--! differs: in the reference such a call never ends

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode = ...

if mode == "holder" then
	local kept = {}
	local held = 0
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, how)
			if how == "held" then
				return skynet.retpack(held)
			end
			held = held + 1
			if how == "waits" then
				skynet.wait "never"
			elseif how == "keeps" then
				kept[#kept + 1] = skynet.response()
			elseif how == "calls" then
				skynet.call(skynet.self(), "lua", "waits")
			elseif how == "sleeps" then
				skynet.sleep(1000000)
			elseif how == "hands over" then
				skynet.ignoreret()
			end
			-- "forgets": no answer.
		end)
	end)
	return
end

-- Takes the request and goes on looping until it is told that it is not found any more.
if mode == "looper" then
	check.serve {
		loop = function(name)
			while skynet.localname(name) do end
			skynet.wait "never"
		end,
	}
	return
end

local function calls_of(holder, ways)
	local calls = {}
	for i, how in ipairs(ways) do
		calls[i] = check.background(skynet.call, holder, "lua", how)
	end
	check.eventually(function()
		return skynet.call(holder, "lua", "held") >= #ways
	end, "all requests are taken")
	return calls
end

local WAYS = { "waits", "keeps", "calls", "sleeps", "forgets" }

local function ends_by(kill)
	local holder = check.helper "holder"
	local calls = calls_of(holder, WAYS)
	kill(holder)
	for i = 1, #WAYS do
		check.results({ false, "call failed" }, check.outcome(calls[i]))
	end
end

check.main(function()
	ends_by(skynet.kill)
	ends_by(function(holder)
		skynet.send(holder, "debug", "EXIT")
	end)

	-- Called by name.
	local holder = check.helper "holder"
	skynet.name(".holder", holder)
	local call = check.background(skynet.call, ".holder", "lua", "waits")
	skynet.call(".holder", "lua", "held")
	skynet.kill(holder)
	check.results({ false, "call failed" }, check.outcome(call))

	-- In a select.
	holder = check.helper "holder"
	local seen = 0
	local select = check.background(function()
		for _, answer in skynet.request { holder, "lua", "waits" } { holder, "lua", "keeps" }:select() do
			check.equal(answer, false)
			seen = seen + 1
		end
	end)
	skynet.call(holder, "lua", "held")
	skynet.kill(holder)
	check.ok(check.outcome(select))
	check.equal(seen, 2)

	-- A request that was handed over is no business of the one that is gone.
	holder = check.helper "holder"
	call = check.background(skynet.call, holder, "lua", "hands over")
	local other = check.background(skynet.call, holder, "lua", "waits")
	skynet.call(holder, "lua", "held")
	skynet.kill(holder)
	check.results({ false, "call failed" }, check.outcome(other))
	check.equal(call.done, nil)

	-- Killed in the middle of a message: it ends with that.
	local looper = check.helper "looper"
	skynet.name(".looper", looper)
	call = check.background(skynet.call, looper, "lua", "loop", ".looper")
	skynet.kill(looper)
	check.results({ false, "call failed" }, check.outcome(call))
end)
