-- The service .engine that asking_resolver asks, and a node that listens on two ports.

local skynet = require "skynet"
require "skynet.manager"
local cluster = require "skynet.cluster"

-- `engine`: what the resolver asks, by name. This service is published as @main and echoes. Returns
-- the addresses of the two ports.
return function(engine)
	skynet.register ".engine"
	skynet.dispatch("lua", function(_, _, name, ...)
		if name == "hang" then
			return skynet.wait()
		elseif name == "echo" then
			return skynet.retpack(...)
		end
		skynet.retpack(engine[name](...))
	end)
	cluster.register "main"
	local _, one = cluster.open(0)
	local _, two = cluster.open(0)
	return "127.0.0.1:" .. one, "127.0.0.1:" .. two
end
