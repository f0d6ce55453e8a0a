-- The report of a message that runs for seconds says what it is and where it is.
--! differs: the reference tells the two services only

local check = require "check"
local skynet = require "skynet"

local mode = ...

local function spin_until_noticed()
	local stop = skynet.hpc() + 20000000000
	repeat
		for _ = 1, 1000000 do end
	until skynet.endless() or skynet.hpc() > stop
end

if mode == "spinner" then
	check.serve {
		plain = function()
			-- A hook of the user's own goes on after the report.
			local counted = 0
			debug.sethook(function() counted = counted + 1 end, "", 100000)
			spin_until_noticed()
			local before = counted
			for _ = 1, 1000000 do end
			debug.sethook()
			return counted > before
		end,
		nested = function()
			coroutine.wrap(function()
				spin_until_noticed()
			end)()
			return true
		end,
	}
	return
end

check.main(function()
	local plain, nested = check.helper "spinner", check.helper "spinner"
	local first = check.background(skynet.call, plain, "lua", "plain")
	local second = check.background(skynet.call, nested, "lua", "nested")
	check.results({ true, true }, check.outcome(first))
	check.results({ true, true }, check.outcome(second))
	local log = check.log()
	local own = skynet.address(skynet.self())
	local text = "error: A message from %[ " .. own .. " %] to %[ %s %] maybe in an endless loop "
		.. "%(version = %d+%), for (%d+%.%d) s, type lua, in\n\t[^\n]*endless_stack.lua:%d+: in "
	local function report(address)
		return log:match((text:gsub("%%s ", address .. " ")))
	end
	check.ok(tonumber(report(skynet.address(plain))) >= 5)
	check.ok(report(skynet.address(nested)))
	check.ok(log:find "upvalue 'spin_until_noticed'" or log:find "local 'spin_until_noticed'")
end)
