-- Harbor 2: a service that answers some calls only. Its name has the number of the round in it.

local skynet = require "skynet"
require "skynet.manager"

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		if name == "echo" then
			skynet.retpack(...)
		else
			skynet.error "HANGS"
			skynet.wait()
		end
	end)
	skynet.register("SLEEPER" .. skynet.getenv "round")
end)
