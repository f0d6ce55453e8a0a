-- The report of a message that runs for seconds says what it is and where it is.
--! differs: the reference tells the two services only

local check = require "check"
local skynet = require "skynet"

local mode = ...

-- How long the message of a service has run, by the first report that says where it is.
local function reported(address)
	local file <close> = assert(io.open(skynet.getenv "logger"))
	return file:read "a":match("error: A message from %[ :%x+ %] to %[ " .. skynet.address(address)
		.. " %] maybe in an endless loop %(version = %d+%), for (%d+%.%d) s, type lua, in\n"
		.. "\t[^\n]*endless_stack.lua:%d+: in [^\n]* 'spin_until_reported'\n")
end

-- The first report may tell no place: on a busy machine this thread does not come by within the
-- time that the watcher waits for it.
local function spin_until_reported()
	local stop = skynet.hpc() + 60000000000
	local noticed
	repeat
		for _ = 1, 1000000 do end
		noticed = noticed or skynet.endless()
	until noticed and reported(skynet.self()) or skynet.hpc() > stop
end

if mode == "spinner" then
	check.serve {
		plain = function()
			-- A hook of the user's own goes on after the report.
			local counted = 0
			debug.sethook(function() counted = counted + 1 end, "", 100000)
			spin_until_reported()
			local before = counted
			for _ = 1, 1000000 do end
			debug.sethook()
			return counted > before
		end,
		nested = function()
			coroutine.wrap(function()
				spin_until_reported()
			end)()
			return true
		end,
	}
	return
end

check.main(function()
	local plain, nested = check.helper "spinner", check.helper "spinner"
	local first = check.background(skynet.call, plain, "lua", "plain")
	check.equal(skynet.call(nested, "lua", "nested"), true)
	check.results({ true, true }, check.outcome(first))
	check.ok(tonumber(reported(plain)) >= 5)
	check.ok(reported(nested))
	check.logs("from %[ " .. skynet.address(skynet.self()) .. " %] to")
end)
