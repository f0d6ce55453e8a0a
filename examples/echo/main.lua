-- Starts the server, talks to it over TCP, and ends the node.
local skynet = require "skynet"
require "skynet.manager"
local socket = require "skynet.socket"

skynet.start(function()
	local server = skynet.newservice "echo_server"
	local port = skynet.call(server, "lua", "listen", "127.0.0.1", 0)
	local id = assert(socket.open("127.0.0.1", port))
	for _, line in ipairs { "hello", "is anybody there?", "bye" } do
		socket.write(id, line .. "\n")
		skynet.error("echo:", socket.readline(id))
	end
	socket.close(id)
	skynet.abort()
end)
