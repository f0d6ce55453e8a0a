-- A person at a terminal, as a service: says and hears what it is told to. Its arguments are the
-- server's port and the person's name.
local skynet = require "skynet"
local socket = require "skynet.socket"
local packets = require "packets"

local port, name = ...
local id

local command = {}

function command.say(text)
	packets.send(id, "say " .. text)
end

-- Waits for the next line.
function command.hear()
	return packets.receive(id)
end

function command.leave()
	socket.close(id)
end

skynet.start(function()
	id = assert(socket.open("127.0.0.1", tonumber(port)))
	packets.send(id, "nick " .. name)
	skynet.dispatch("lua", function(_, _, what, ...)
		skynet.retpack(command[what](...))
	end)
end)
