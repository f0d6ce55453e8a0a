-- A player without a person: logs in, walks about, changes the scene, and checks that what it is
-- shown makes sense. Its arguments are the port of the gate, its name and its seed.
local skynet = require "skynet"
local crypt = require "skynet.crypt"
local socket = require "skynet.socket"
local login = require "login_client"
local packets = require "packets"

local HOST = "127.0.0.1"
local PASSWORD = "sesame"

local port, name, seed = ...

local id
local x, y
local coins = 0
local seen = 0

-- user -> true for everybody in sight
local in_sight = {}

-- What the server shows.
local show = {}

function show.appear(user)
	assert(not in_sight[user], "somebody appears twice")
	in_sight[user] = true
	seen = seen + 1
end

function show.vanish(user)
	assert(in_sight[user], "somebody vanishes who was not there")
	in_sight[user] = nil
end

function show.moved(user)
	assert(in_sight[user], "somebody moves who is not there")
end

-- Waits for the answer to a request; handles what is shown before it.
local function answer()
	while true do
		local text = assert(packets.receive(id), "the server has closed the connection")
		local words = {}
		for word in string.gmatch(text, "%S+") do
			words[#words + 1] = word
		end
		local act = show[words[1]]
		if not act then
			return table.unpack(words)
		end
		act(table.unpack(words, 2))
	end
end

local function enter()
	local encode = crypt.base64encode
	local token = encode(name) .. ":" .. encode(PASSWORD)
	local secret, ticket = login(HOST, tonumber(skynet.getenv "login_port"), token)
	assert(secret, ticket)
	id = assert(socket.open(HOST, tonumber(port)))
	local proof = crypt.hmac64(crypt.hashkey(name .. ":" .. ticket), secret)
	packets.send(id, "enter " .. encode(name) .. " " .. encode(proof))
	local word
	word, _, x, y = answer()
	assert(word == "here")
end

local function move()
	packets.send(id, string.format("move %d %d", math.random(-1, 1), math.random(-1, 1)))
	local word, new_x, new_y, found = answer()
	assert(word == "at" and math.abs(new_x - x) <= 1 and math.abs(new_y - y) <= 1)
	x, y, coins = new_x, new_y, tonumber(found)
end

local function travel(scene)
	packets.send(id, "travel " .. scene)
	local word, where
	word, where, x, y = answer()
	assert(word == "here" and where == scene)
end

local command = {}

-- Walks a while in each of two scenes.
function command.play(steps)
	math.randomseed(tonumber(seed))
	enter()
	for step = 1, steps do
		move()
		if step == steps // 2 then
			travel "cave"
		end
	end
	packets.send(id, "quit")
	-- The server closes; until then others may come and go.
	socket.readall(id)
	socket.close(id)
	return { moves = steps, seen = seen, coins = coins }
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, what, ...)
		skynet.retpack(command[what](...))
	end)
end)
