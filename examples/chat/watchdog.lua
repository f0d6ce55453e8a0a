-- Gives every connection of the gate an agent, and takes it away again.
local skynet = require "skynet"

local gate

-- connection -> agent
local agents = {}

-- What the gate reports.
local event = {}

function event.open(id, address)
	skynet.error("a client comes from", address)
	agents[id] = skynet.newservice "agent"
	skynet.call(agents[id], "lua", "start", gate, id)
end

function event.close(id)
	local agent = agents[id]
	agents[id] = nil
	if agent then
		-- The peer has closed; now this side does.
		skynet.call(gate, "lua", "kick", id)
		skynet.send(agent, "lua", "stop")
	end
end

-- The gate reports the close, too.
function event.error(_, text)
	skynet.error("a connection broke:", text)
end

function event.warning(id, kib)
	skynet.error("connection", id, "does not read;", kib, "KiB wait")
end

-- A packet that came before the agent was there.
function event.data() end

local command = {}

function command.open(conf)
	return skynet.call(gate, "lua", "open", conf)
end

skynet.start(function()
	gate = skynet.newservice "gate"
	skynet.dispatch("lua", function(_, _, name, ...)
		if name == "socket" then
			skynet.ignoreret()
			local what = ...
			event[what](select(2, ...))
		else
			skynet.retpack(command[name](...))
		end
	end)
end)
