-- A web server: accepts connections and deals them out to a few agents, in turn.
local skynet = require "skynet"
local socket = require "skynet.socket"

local AGENTS = 4

skynet.start(function()
	local protocol = skynet.getenv "web_protocol"
	local agents = {}
	for i = 1, AGENTS do
		agents[i] = skynet.newservice("web_agent", protocol)
	end
	local id, address, port = socket.listen("127.0.0.1", tonumber(skynet.getenv "web_port"))
	local turn = 0
	socket.start(id, function(connection)
		turn = turn % AGENTS + 1
		skynet.send(agents[turn], "lua", connection)
	end)
	skynet.error(string.format("listening on %s://%s:%d", protocol, address, port))
end)
