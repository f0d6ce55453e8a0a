-- Stands at the ports of clusterd: keeps connections until their other end has shown that it is a
-- node, one service for all of them. So strangers cost no service, and no line of one in the log.
--
-- Started by clusterd. What a node shows is, in this order, as far as it is asked for: TLS with a
-- certificate, the shared secret; and without either a first packet that a node could have sent.
-- Then clusterd hears `admit`, and launches the clusteragent that takes the connection from here,
-- with what has been read and not been looked at. Connections that end before, `stranger_gone`.

local skynet = require "skynet"
local admission = require "skynet.cluster.admission"
local core = require "skynet.cluster.core"
local driver = require "skynet.socketdriver"
local pieces = require "skynet.cluster.pieces"
local secret = require "skynet.cluster.secret"
local settings = require "skynet.cluster.settings"
local streams = require "skynet.cluster.streams"
local tls = require "skynet.cluster.tls"
local log = require "skynet.limited_log"()

local TLS_NEEDED <const> = "TLS is asked for here, set its keys there too (cluster_tls_cert)"
local NO_NODE <const> = "it does not speak the protocol"

-- The first byte of a packet -> how long such a packet is, at least and at most.
local LENGTHS <const> = {
	[0x00] = { 9, 32776 },
	[0x80] = { 7, 33028 },
	[0x01] = { 13, 13 },
	[0x41] = { 13, 13 },
	[0x81] = { 11, 265 },
	[0xc1] = { 11, 265 },
	[0x02] = { 5, 32773 },
	[0x03] = { 5, 32773 },
	[0x04] = { 1, 32769 },
}

-- Whether there is a time limit for what a node shows.
local hurried = secret.on or tls.on

local clusterd

-- socket -> { socket =, from =, since =, held = what has been read, answer = function for the packets
-- of the handshake, admitted =, ended = the peer's end has come }
local strangers = {}

-- Those that take too long are looked for.
local sweeping = false

local send = tls.on and tls.send or driver.send

-- Leaves a connection in the way that `close` says.
local function leave(stranger, close)
	strangers[stranger.socket] = nil
	if tls.on then
		tls.leave(stranger.socket)
	end
	close(stranger.socket)
end

-- What it was told reaches it before the end.
local function refuse(stranger, why)
	if strangers[stranger.socket] == stranger and not stranger.admitted then
		log(string.format("cluster: refused %s: %s", stranger.from, why))
		leave(stranger, driver.close)
		skynet.send(clusterd, "lua", "stranger_gone", stranger.socket)
	end
end

local function admit(stranger)
	if not stranger.admitted then
		stranger.admitted = true
		driver.pause(stranger.socket)
		skynet.send(clusterd, "lua", "admit", stranger.socket)
	end
end

-- Has a stranger show that it knows the secret.
local function ask_secret(stranger)
	local ok, secrets = pcall(secret.load)
	if not ok then
		return refuse(stranger, secrets)
	elseif not secrets then
		return admit(stranger)
	end
	stranger.answer = admission.answer(secrets, {
		send = function(packet)
			send(stranger.socket, packet)
		end,
		done = function()
			admit(stranger)
		end,
		fail = function(why)
			refuse(stranger, why)
		end,
	})
end

-- Tells whether what has come cannot be the beginning of a packet.
local function is_garbage(held)
	local start = pieces.peek(held, 3)
	if #start < 3 then
		return start == "\0\0"
	end
	local len, kind = string.unpack(">I2B", start)
	local length = LENGTHS[kind]
	return not length or len < length[1] or len > length[2]
end

-- Looks at the first packet where nothing is asked for.
local function look(stranger)
	if is_garbage(stranger.held) then
		return refuse(stranger, NO_NODE)
	end
	local packet = pieces.packet(stranger.held)
	if packet then
		local ok, _, _, block, size = pcall(core.unpackrequest, packet)
		if type(block) == "userdata" then
			skynet.trash(block, size)
		end
		if ok then
			admit(stranger)
		else
			refuse(stranger, NO_NODE)
		end
	end
end

local function look_further(stranger)
	if not hurried then
		return look(stranger)
	end
	if not tls.on and not stranger.answer then
		ask_secret(stranger)
	end
	while stranger.answer and not stranger.admitted and strangers[stranger.socket] == stranger do
		local packet = pieces.packet(stranger.held)
		if not packet then
			return
		end
		pieces.drop(stranger.held, #packet + 2)
		stranger.answer(packet)
	end
end

local function over(stranger)
	if stranger.admitted then
		stranger.ended = true
	else
		leave(stranger, driver.close)
		skynet.send(clusterd, "lua", "stranger_gone", stranger.socket)
	end
end

streams({
	data = function(id, text, ended)
		local stranger = strangers[id]
		if not stranger then
			return
		end
		pieces.add(stranger.held, text)
		if not stranger.admitted then
			look_further(stranger)
		end
		if ended and strangers[id] == stranger then
			over(stranger)
		end
	end,
	close = function(id)
		if strangers[id] then
			over(strangers[id])
		end
	end,
	error = function(id, text)
		local stranger = strangers[id]
		if stranger and stranger.admitted then
			stranger.ended = true
		elseif stranger then
			refuse(stranger, text)
		end
	end,
})

-- Strangers that take too long.
local function sweep()
	local oldest = skynet.now() - settings.connect_timeout
	for _, stranger in pairs(strangers) do
		if stranger.since <= oldest then
			refuse(stranger, string.format("no handshake after %g s", settings.connect_timeout / 100))
		end
	end
	sweeping = next(strangers) ~= nil
	if sweeping then
		skynet.timeout(settings.connect_timeout // 10 + 1, sweep)
	end
end

local command = {}

-- A connection has been accepted.
function command.enter(id, from)
	if hurried and not sweeping then
		sweeping = true
		skynet.timeout(settings.connect_timeout + 1, sweep)
	end
	local stranger = { socket = id, from = from, since = skynet.now(), held = pieces.new() }
	strangers[id] = stranger
	if tls.on then
		tls.answer(id, admission.refusal(TLS_NEEDED), function()
			ask_secret(stranger)
		end)
	end
	driver.start(id)
end

-- The connection is needed no more.
function command.leave(id)
	if strangers[id] then
		leave(strangers[id], driver.shutdown)
	end
end

-- The agent of an admitted connection takes it. Answers with what has been read, the TLS session
-- if there is one, and whether the peer's end has come; nothing when the connection was left.
function command.take(id)
	local stranger = strangers[id]
	if not stranger then
		return skynet.ret()
	end
	strangers[id] = nil
	skynet.retpack(pieces.all(stranger.held), tls.on and tls.release(id) or nil, stranger.ended)
end

skynet.start(function()
	clusterd = skynet.localname ".clusterd"
	skynet.dispatch("lua", function(_, _, name, ...)
		local f = assert(command[name], name)
		f(...)
	end)
end)
