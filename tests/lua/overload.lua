-- A queue that grows long is reported once a doubling, until it is empty again.
--! log: error: May overload, message queue length =

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "slow" then
	local count, longest = 0, 0
	skynet.start(function()
		skynet.dispatch("lua", function(session, _, what)
			if what == "spin" then
				-- Until all the others wait.
				repeat until skynet.getenv "overload_sent"
			elseif session > 0 then
				skynet.retpack(count, longest)
			else
				count = count + 1
				longest = math.max(longest, skynet.mqlen())
			end
		end)
	end)
	return
end

check.main(function()
	local slow = check.helper "slow"
	skynet.send(slow, "lua", "spin")
	for i = 1, 5000 do
		skynet.send(slow, "lua", i)
	end
	skynet.setenv("overload_sent", "yes")
	local count, longest = skynet.call(slow, "lua")
	check.equal(count, 5000)
	check.ok(longest > 1024, longest)
	local lines = 0
	for length in check.log():gmatch "May overload, message queue length = (%d+)" do
		lines = lines + 1
		check.ok(tonumber(length) > 1024)
	end
	check.ok(lines >= 1 and lines <= 3, lines)
end)
