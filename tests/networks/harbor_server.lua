-- Harbor 1: a service with a global name, which the other node calls.

local skynet = require "skynet"
require "skynet.manager"
local datacenter = require "skynet.datacenter"
local multicast = require "skynet.multicast"

local command = {}
local pushed = {}

function command.echo(...)
	return ...
end

function command.fail()
	error "on purpose"
end

function command.size(text)
	return #text
end

function command.push(...)
	table.insert(pushed, { ... })
end

function command.pushed()
	return pushed
end

function command.publish(id, ...)
	multicast.new({ channel = id }):publish(...)
end

skynet.start(function()
	skynet.dispatch("lua", function(session, _, name, ...)
		if session == 0 then
			command[name](...)
		else
			skynet.retpack(command[name](...))
		end
	end)
	skynet.register "SRV1"
	datacenter.set("from", "one")
	skynet.error "READY"
end)
