-- The gate of an application: reports its connections to a watchdog, and passes their packets on
-- to agents, without copying them.

local skynet = require "skynet"
local netpack = require "skynet.netpack"
local gateserver = require "snax.gateserver"

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
}

local watchdog

-- id -> { address = of the client, agent =, client = the source of its messages }
local clients = {}

local function report(...)
	skynet.send(watchdog, "lua", "socket", ...)
end

local handler = {}

function handler.open(source, conf)
	watchdog = conf.watchdog or source
	return conf.address, conf.port
end

function handler.message(id, message, size)
	local client = clients[id]
	local agent = client and client.agent
	if agent then
		skynet.redirect(agent, client.client, "client", id, message, size)
	else
		report("data", id, netpack.tostring(message, size))
	end
end

function handler.connect(id, address)
	clients[id] = { address = address }
	report("open", id, address)
end

function handler.disconnect(id)
	clients[id] = nil
	report("close", id)
end

function handler.error(id, text)
	clients[id] = nil
	report("error", id, text)
end

function handler.warning(id, kib)
	report("warning", id, kib)
end

local command = {}

-- Packets of a connection go to an agent from now on, the caller unless another is named.
function command.forward(source, id, client, agent)
	local record = assert(clients[id], "no such connection")
	record.client = client or 0
	record.agent = agent or source
	gateserver.openclient(id)
end

-- Packets of a connection go to the watchdog.
function command.accept(_, id)
	local record = assert(clients[id], "no such connection")
	record.agent, record.client = nil, nil
	gateserver.openclient(id)
end

function command.kick(_, id)
	gateserver.closeclient(id)
end

function handler.command(name, source, ...)
	local run = assert(command[name], "unknown command")
	return run(source, ...)
end

gateserver.start(handler)
