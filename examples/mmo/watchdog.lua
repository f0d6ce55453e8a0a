-- Stands between gate and agents: lets those in whom the login server has announced.
local skynet = require "skynet"
local crypt = require "skynet.crypt"

local gate
local last_ticket = 0

-- user -> { secret =, ticket = }: may come in, once
local expected = {}

-- connection -> { user =, agent = }; without an agent until its first packet is accepted
local clients = {}

local function kick(id)
	skynet.call(gate, "lua", "kick", id)
end

-- First packet: "enter <base64(user)> <base64(proof)>". Returns the user, or nothing.
local function identify(text)
	local user, proof = string.match(text, "^enter (%S+) (%S+)$")
	user = crypt.base64decode(user)
	local invitation = expected[user]
	local message = user .. ":" .. invitation.ticket
	if crypt.base64decode(proof) == crypt.hmac64(crypt.hashkey(message), invitation.secret) then
		expected[user] = nil
		return user
	end
end

-- What the gate reports.
local event = {}

function event.open(id)
	clients[id] = {}
	skynet.call(gate, "lua", "accept", id)
end

function event.data(id, text)
	local client = clients[id]
	if not client or client.user then
		return
	end
	local ok, user = pcall(identify, text)
	if not ok or not user then
		skynet.error("connection", id, "is nobody who was expected")
		return kick(id)
	end
	client.user = user
	local agent = skynet.newservice "agent"
	skynet.call(agent, "lua", "start", gate, id, user)
	client.agent = agent
	if not clients[id] then
		-- It left while its agent started.
		skynet.send(agent, "lua", "stop")
	end
end

function event.close(id)
	local client = clients[id]
	clients[id] = nil
	kick(id)
	if client and client.agent then
		skynet.send(client.agent, "lua", "stop")
	end
end

function event.error(_, text)
	skynet.error("a connection broke:", text)
end

-- A client that does not read what it is told is of no use.
function event.warning(id, kib)
	if kib > 0 then
		kick(id)
	end
end

local command = {}

-- From an agent: its player has had enough.
function command.leave(id)
	event.close(id)
end

function command.open(conf)
	return skynet.call(gate, "lua", "open", conf)
end

-- From the login server: this user comes, with proof that he knows this secret.
function command.expect(user, secret)
	last_ticket = last_ticket + 1
	expected[user] = { secret = secret, ticket = tostring(last_ticket) }
	return expected[user].ticket
end

skynet.start(function()
	gate = skynet.newservice "gate"
	skynet.dispatch("lua", function(_, _, name, what, ...)
		if name == "socket" then
			skynet.ignoreret()
			event[what](...)
		else
			skynet.retpack(command[name](what, ...))
		end
	end)
end)
