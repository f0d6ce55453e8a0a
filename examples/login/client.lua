-- A client: logs in, asks, loses the connection, comes back, and gets its answer.
local skynet = require "skynet"
local crypt = require "skynet.crypt"
local socket = require "skynet.socket"
local login = require "login_client"
local packets = require "packets"

local encode = crypt.base64encode

local HOST = "127.0.0.1"
local USER, GAME = "robinson", "island"

local function token(password)
	return encode(USER) .. "@" .. encode(GAME) .. ":" .. encode(password)
end

-- Connects to the game server; `index` grows from connection to connection.
local function enter(port, subid, secret, index)
	local name = encode(USER) .. "@" .. encode(GAME) .. "#" .. encode(subid) .. ":" .. index
	local id = assert(socket.open(HOST, port))
	packets.send(id, name .. ":" .. encode(crypt.hmac64(crypt.hashkey(name), secret)))
	skynet.error("client: connection", index, packets.receive(id))
	return id
end

local function ask(id, session, text)
	packets.send(id, text .. string.pack(">I4", session))
end

local function answer(id)
	local text = packets.receive(id)
	local ok, session = string.unpack(">BI4", text, #text - 4)
	skynet.error("client: answer", session, ok == 1, string.sub(text, 1, -6))
end

local command = {}

function command.play(port)
	local login_port = tonumber(skynet.getenv "login_port")
	skynet.error("client: a wrong password gives", select(2, login(HOST, login_port, token "saturday")))
	local secret, subid = login(HOST, login_port, token "friday")
	skynet.error("client: logged in as number", subid)

	local id = enter(port, subid, secret, 1)
	ask(id, 1, "who is there?")
	socket.close(id)

	id = enter(port, subid, secret, 2)
	-- The same session: the words do not count any more.
	ask(id, 1, "anything")
	answer(id)
	ask(id, 2, "good night")
	answer(id)
	socket.close(id)
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end)
end)
