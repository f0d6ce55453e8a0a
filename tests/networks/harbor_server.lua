-- Harbor 1: a service with a global name, which the other node calls.

local skynet = require "skynet"
require "skynet.manager"
local datacenter = require "skynet.datacenter"
local multicast = require "skynet.multicast"

local command = require "module.echo_commands"

function command.publish(id, ...)
	multicast.new({ channel = id }):publish(...)
end

skynet.start(function()
	skynet.dispatch("lua", function(session, source, name, ...)
		if name == "pass on" then
			skynet.ignoreret()
			skynet.redirect(..., source, "lua", session, skynet.pack "x")
		elseif name == "end" then
			-- Not before something waits.
			repeat until skynet.mqlen() > 0
			skynet.exit()
		elseif session == 0 then
			command[name](...)
		else
			skynet.retpack(command[name](...))
		end
	end)
	skynet.register "SRV1"
	datacenter.set("from", "one")
	skynet.error "READY"
end)
