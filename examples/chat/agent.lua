-- One client: the gate sends its packets here, the room sends what others say.
local skynet = require "skynet"
local packets = require "packets"

local room
local id

-- What the client may say: the first word of a packet.
local request = {}

function request.nick(name)
	skynet.send(room, "lua", "join", skynet.self(), name)
end

function request.say(text)
	skynet.send(room, "lua", "say", skynet.self(), text)
end

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = skynet.tostring,
	dispatch = function(_, _, text)
		-- The session of a packet is its connection: there is nobody to answer.
		skynet.ignoreret()
		local word, rest = string.match(text, "^(%a+) (.*)$")
		if request[word] then
			request[word](rest)
		else
			packets.send(id, "? " .. text)
		end
	end,
}

local command = {}

function command.start(gate, connection)
	id = connection
	room = skynet.uniqueservice "room"
	-- From now on the gate reads, and sends packets here.
	skynet.call(gate, "lua", "forward", id)
end

function command.hear(text)
	packets.send(id, text)
end

function command.stop()
	skynet.call(room, "lua", "leave", skynet.self())
	skynet.exit()
end

skynet.start(function()
	skynet.dispatch("lua", function(session, _, name, ...)
		if session == 0 then
			command[name](...)
		else
			skynet.retpack(command[name](...))
		end
	end)
end)
