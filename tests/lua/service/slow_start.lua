-- Is up only when somebody sends it a message.

local skynet = require "skynet"
require "skynet.manager"

skynet.start(function()
	skynet.dispatch("lua", function()
		skynet.wakeup "go"
	end)
	skynet.register ".slow_start"
	skynet.wait "go"
end)
