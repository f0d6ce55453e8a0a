-- Tries to block in its main chunk; for the test "loader".

local skynet = require "skynet"

local slept, why_not = pcall(skynet.sleep, 1)
local called, why = pcall(skynet.call, ".launcher", "lua", "LIST")
local forked = false

skynet.fork(function()
	forked = true
end)

skynet.start(function()
	skynet.dispatch("lua", function()
		skynet.retpack(slept, why_not, called, why, forked)
	end)
end)
