-- The master of a fault run. Calls the callee, if there is one: so it knows its name.

local skynet = require "skynet"

skynet.start(function()
	skynet.error "READY"
	skynet.error("CALLED", pcall(skynet.call, "CALLEE", "lua", 0))
end)
