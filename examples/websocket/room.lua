-- A chat room on WebSocket: what one guest says all others hear. The path is the guest's name.
local skynet = require "skynet"
local socket = require "skynet.socket"
local websocket = require "http.websocket"

-- id of a connection -> name of the guest
local guests = {}

local function tell_others(id, text)
	for other in pairs(guests) do
		if other ~= id then
			websocket.write(other, text)
		end
	end
end

local handle = {}

function handle.handshake(id, _, url)
	guests[id] = url:match "^/(%w+)$" or "somebody"
	tell_others(id, guests[id] .. " has come")
end

function handle.message(id, text)
	tell_others(id, guests[id] .. ": " .. text)
end

local function gone(id)
	local name = guests[id]
	guests[id] = nil
	if name then
		tell_others(id, name .. " has left")
	end
end

handle.close = gone
handle.error = gone

skynet.start(function()
	local listener, address, port = socket.listen("127.0.0.1", tonumber(skynet.getenv "room_port"))
	socket.start(listener, function(id, peer)
		local ok, err = websocket.accept(id, handle, "ws", peer)
		if not ok then
			gone(id)
			skynet.error("connection of", peer, "failed:", err)
		end
	end)
	skynet.dispatch("lua", function()
		skynet.retpack(port)
	end)
	skynet.error(string.format("the room is open at ws://%s:%d/", address, port))
end)
