-- The debug console: commands for a person (telnet, nc) or a script (HTTP GET and POST), one a
-- line. Started with `debug_console [ip] port`; without an ip it listens on the loopback address
-- only, because whoever reaches it can run code in every service.

local skynet = require "skynet"
local socket = require "skynet.socket"
local session = require "skynet.console.session"

local ip, port = ...
if port == nil then
	ip, port = "127.0.0.1", ip
end

skynet.start(function()
	port = assert(math.tointeger(tonumber(port)), "debug_console needs a port: debug_console [ip] port")
	local id, _, bound = socket.listen(ip, port)
	skynet.error(string.format("Start debug console at %s:%d", ip, bound or port))
	socket.start(id, function(fd, peer)
		skynet.fork(session, fd, peer)
	end)
end)
