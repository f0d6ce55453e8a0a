-- One player: takes what the client wants to the scene he is in, and shows him what happens there.
local skynet = require "skynet"
local queue = require "skynet.queue"
local packets = require "packets"

local HOME = "meadow"

local id
local user
local scene
local coins = 0

-- What the player does happens in the order in which he says it, also when a scene is slow.
local in_turn = queue()

local function show(...)
	packets.send(id, table.concat({ ... }, " "))
end

local function enter(name)
	scene = ".scene_" .. name
	local x, y = skynet.call(scene, "lua", "enter", user, skynet.self())
	show("here", name, x, y)
end

-- What the client may ask for: the first word of a packet. Each answer begins with "here" or "at".
local request = {}

function request.move(dx, dy)
	local x, y, found = skynet.call(scene, "lua", "move", user, tonumber(dx), tonumber(dy))
	coins = coins + found
	show("at", x, y, coins)
end

function request.travel(name)
	skynet.call(scene, "lua", "leave", user)
	enter(name)
end

function request.quit()
	skynet.send(".watchdog", "lua", "leave", id)
end

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = skynet.tostring,
	dispatch = function(_, _, text)
		-- The session of a packet is its connection: there is nobody to answer.
		skynet.ignoreret()
		local word, first, second = string.match(text, "^(%a+) ?(%S*) ?(%S*)$")
		in_turn(assert(request[word], text), first, second)
	end,
}

local command = {}

function command.start(gate, connection, name)
	id, user = connection, name
	-- From now on the gate sends the packets of this connection here.
	skynet.call(gate, "lua", "forward", id)
	enter(HOME)
end

-- From the scene.
command.see = show

function command.stop()
	in_turn(skynet.call, scene, "lua", "leave", user)
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
