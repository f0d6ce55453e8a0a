-- Waits in its main function until it is woken.

local skynet = require "skynet"

EVENTS "shared"
skynet.wait "shared_module"

return {}
