-- Blocks in its main function and in its init functions.

local skynet = require "skynet"

local name, path = ...

EVENTS "chunk"
skynet.init(function()
	EVENTS "init1"
	skynet.sleep(0)
	EVENTS "init1_done"
end)
skynet.init(function()
	EVENTS "init2"
end)
skynet.sleep(0)
EVENTS "chunk_done"

return { name = name, path = path }
