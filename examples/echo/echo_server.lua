-- Sends every line back to where it came from. Many connections, one service: each has a task of
-- its own, and a task that waits for its peer keeps nobody from running.
local skynet = require "skynet"
local socket = require "skynet.socket"

local LINE_BYTES_MAX = 4096

local function echo(id)
	if not socket.start(id) then
		return
	end
	-- A peer that never ends its line is disconnected.
	socket.limit(id, LINE_BYTES_MAX)
	local line = socket.readline(id)
	while line do
		socket.write(id, line .. "\n")
		line = socket.readline(id)
	end
	socket.close(id)
end

local command = {}

-- Listens, and returns the port: with port 0 the system chooses one.
function command.listen(host, port)
	local listener, _, actual = socket.listen(host, port)
	socket.start(listener, echo)
	return actual
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end)
end)
