-- A service that counts for whoever asks, and a start service that asks it.

local skynet = require "skynet"

local mode = ...

if mode == "counter" then
	local count = 0
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, step)
			count = count + step
			skynet.retpack(count)
		end)
	end)
else
	skynet.start(function()
		local counter = skynet.newservice(SERVICE_NAME, "counter")
		for step = 1, 3 do
			skynet.error("the counter says", skynet.call(counter, "lua", step))
		end
	end)
end
