-- A service at its memory limit, where not even a coroutine for a request can be made: callers
-- are told, and the service goes on once it has room.
--! differs: the callers hang, and so does the service
--! log: lua memory error : [8 to :9 : *]

local check = require "check"
local skynet = require "skynet"

if ... == "victim" then
	skynet.memlimit(2 << 20)
	local kept = {}
	local command = {}

	local function fill(make)
		pcall(function()
			while true do
				kept[#kept + 1] = make(#kept)
			end
		end)
	end

	function command.fill()
		fill(function(n)
			return string.rep("x", 1000) .. n
		end)
		fill(function(n)
			return { n }
		end)
	end

	function command.drop()
		kept = {}
		collectgarbage()
	end

	command.block = function()
		skynet.sleep(1)
	end
	command.ping = function() end

	check.serve(command)
	return
end

check.main(function()
	local victim = check.helper "victim"
	for _ = 1, 3 do
		-- The answer itself may find no room.
		pcall(skynet.call, victim, "lua", "fill")
		local ended = 0
		for i = 1, 200 do
			skynet.fork(function()
				local name = i % 2 == 0 and "block" or "ping"
				pcall(skynet.call, victim, "lua", name, string.rep("y", i * 100))
				ended = ended + 1
			end)
		end
		check.eventually(function() return ended == 200 end, "every call ends")
		check.eventually(function()
			return pcall(skynet.call, victim, "lua", "drop")
		end, "there is room again")
		check.equal(skynet.call(victim, "lua", "ping"), nil)
	end
end)
