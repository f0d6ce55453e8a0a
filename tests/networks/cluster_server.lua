-- The node `server`: services that the node `client` calls.

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local snax = require "skynet.snax"

local command = require "module.echo_commands"

-- Calls the caller's node in turn.
function command.call_back(node, name, ...)
	return cluster.call(node, name, ...)
end

skynet.start(function()
	check.dispatch(command)
	cluster.reload {
		server = "127.0.0.1:" .. skynet.getenv "server_port",
		client = "127.0.0.1:" .. skynet.getenv "client_port",
	}
	cluster.register "main"
	snax.uniqueservice "clustered"
	cluster.open "server"
	skynet.error "READY"
end)
