-- The channels of one node and who subscribed here. Each channel has an owner node, the low 8 bits of
-- its number: it serves its own subscribers and passes on to the nodes that have some.

local skynet = require "skynet"
local datacenter = require "skynet.datacenter"
local publish = require "skynet.multicast.native".publish

local NODE_BITS <const> = 0xff
local CHANNEL_STEP <const> = NODE_BITS + 1
local CHANNEL_MAX <const> = 0x7fffffff

local this_node = skynet.harbor(skynet.self())

-- channel -> set of local addresses, for the channels of this node and for the mirrors of others.
local subscribers = {}

-- channel of this node -> set of nodes with subscribers
local nodes = {}

-- node -> address of its daemon
local daemons = {}

local last_channel = this_node - CHANNEL_STEP

local function owner_of(channel)
	return channel & NODE_BITS
end

local function is_own(channel)
	return owner_of(channel) == this_node
end

local function daemon_of(node)
	local address = daemons[node]
	if not address then
		address = assert(datacenter.get("multicast", node), "the node has no multicast service")
		daemons[node] = address
	end
	return address
end

-- Sends to the subscribers of this node. A service that ended without a word is one no longer.
local function publish_here(channel, source, text)
	local set = subscribers[channel]
	if set then
		for _, address in ipairs(publish(channel, source, text, set)) do
			set[address] = nil
		end
	end
end

local function send_to_node(node, channel, source, text)
	skynet.redirect(daemon_of(node), source, "multicast", channel, text)
end

-- Does the owner's part: other nodes first, so that all see the order that the owner chose.
local function publish_everywhere(channel, source, text)
	for node in pairs(nodes[channel] or {}) do
		send_to_node(node, channel, source, text)
	end
	publish_here(channel, source, text)
end

local command = {}

function command.NEW()
	repeat
		last_channel = (last_channel + CHANNEL_STEP) & CHANNEL_MAX
	until not subscribers[last_channel]
	subscribers[last_channel] = {}
	nodes[last_channel] = {}
	return last_channel
end

function command.SUB(source, channel)
	if not subscribers[channel] then
		local is_unknown = is_own(channel)
			or skynet.call(daemon_of(owner_of(channel)), "lua", "SUBR", channel)
		if is_unknown then
			return
		end
		-- Somebody else may have made the mirror meanwhile.
		subscribers[channel] = subscribers[channel] or {}
	end
	subscribers[channel][source] = true
end

function command.PUB(source, channel, text)
	assert(skynet.harbor(source) == this_node)
	if is_own(channel) then
		publish_everywhere(channel, source, text)
	else
		send_to_node(owner_of(channel), channel, source, text)
	end
end

-- A node has its first subscriber; returns true if there is no such channel.
function command.SUBR(source, channel)
	if not nodes[channel] then
		return true
	end
	nodes[channel][skynet.harbor(source)] = true
end

local notice = {}

function notice.USUB(source, channel)
	local set = assert(subscribers[channel], "no such channel")
	set[source] = nil
	if not is_own(channel) and next(set) == nil then
		subscribers[channel] = nil
		skynet.send(daemon_of(owner_of(channel)), "lua", "USUBR", channel)
	end
end

function notice.USUBR(source, channel)
	assert(nodes[channel], "no such channel")[skynet.harbor(source)] = nil
end

function notice.DEL(_, channel)
	if not is_own(channel) then
		skynet.send(daemon_of(owner_of(channel)), "lua", "DEL", channel)
		return
	end
	for node in pairs(nodes[channel] or {}) do
		skynet.send(daemon_of(node), "lua", "DELR", channel)
	end
	subscribers[channel], nodes[channel] = nil, nil
end

function notice.DELR(_, channel)
	subscribers[channel] = nil
end

-- From another node: a publisher's message for the owner, or the owner's for its mirror.
skynet.register_protocol {
	name = "multicast",
	id = skynet.PTYPE_MULTICAST,
	pack = function(text)
		return text
	end,
	unpack = skynet.tostring,
	dispatch = function(channel, source, text)
		skynet.ignoreret()
		local pass_on = is_own(channel) and publish_everywhere or publish_here
		pass_on(channel, source, text)
	end,
}

skynet.start(function()
	skynet.dispatch("lua", function(_, source, name, ...)
		if notice[name] then
			skynet.ignoreret()
			notice[name](source, ...)
		else
			local f = assert(command[name], name)
			skynet.retpack(f(source, ...))
		end
	end)
	assert(datacenter.set("multicast", this_node, skynet.self()) == nil)
end)
