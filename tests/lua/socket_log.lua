-- The message log of a service that has sockets: what the events say instead of their addresses.

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"
local core = require "skynet.core"

check.main(function()
	local listener, _, port = socket.listen("127.0.0.1", 0)
	local key = skynet.address(skynet.self())
	core.command("LOGON", key)
	local server
	socket.start(listener, function(id)
		server = id
	end)
	local client = socket.open("127.0.0.1", port)
	check.eventually(function() return server end, "the connection is accepted")
	socket.start(server)
	socket.write(client, "abc\n")
	check.equal(socket.readline(server), "abc")
	core.command("LOGOFF", key)
	local file = assert(io.open(string.format("%s/%08x.log", skynet.getenv "logpath", skynet.self())))
	local text = file:read "a"
	file:close()
	check.match(text, "%[socket%] 2 " .. listener .. " 0 %[start%]\n")
	check.match(text, "%[socket%] 2 " .. client .. " 0 %[127%.0%.0%.1%]\n")
	check.match(text, "%[socket%] 4 " .. listener .. " " .. server .. " %[127%.0%.0%.1:%d+%]\n")
	check.match(text, "%[socket%] 1 " .. server .. " 4 6162630a\n")
	socket.close(client)
	socket.close(server)
	socket.close(listener)
end)
