-- A service of the demo: on request, calls a service of its own for so many seconds, as fast as it
-- can, and answers with the calls per second.

local skynet = require "skynet"

local CALLS_A_LOOK = 100

local function measure(echo, seconds)
	local start = skynet.hpc()
	local stop = start + seconds * 1000000000
	local calls, now = 0, start
	while now < stop do
		for _ = 1, CALLS_A_LOOK do
			skynet.call(echo, "lua", "hello")
		end
		calls = calls + CALLS_A_LOOK
		now = skynet.hpc()
	end
	return calls * 1000000000 // (now - start)
end

skynet.start(function()
	local echo = skynet.newservice "demo_echo"
	skynet.dispatch("lua", function(_, _, seconds)
		skynet.retpack(measure(echo, seconds))
	end)
end)
