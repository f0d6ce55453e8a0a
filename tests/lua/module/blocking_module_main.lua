-- Loaded by a main chunk: its init function runs before the start function.

local skynet = require "skynet"

EVENTS "module_main"
skynet.init(function()
	skynet.sleep(0)
	EVENTS "init_of_module_main"
end)
