-- Harbor 1: a service with a global name, which the other node calls.

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"
local datacenter = require "skynet.datacenter"
local multicast = require "skynet.multicast"

local command = require "module.echo_commands"

function command.publish(id, ...)
	multicast.new({ channel = id }):publish(...)
end

skynet.start(function()
	check.dispatch(command)
	skynet.register "SRV1"
	datacenter.set("from", "one")
	skynet.error "READY"
end)
