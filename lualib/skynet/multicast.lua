-- Channels: what one service publishes reaches every service that subscribed. The node's service
-- `multicastd` keeps the subscribers.

local skynet = require "skynet"

local multicast = {}

local daemon

-- channel id -> the object of this service that receives
local receivers = setmetatable({}, { __mode = "v" })

local channel_meta = {}
channel_meta.__index = channel_meta

function channel_meta:__tostring()
	return string.format("[Multicast:%x]", self.channel)
end

-- Returns a channel: `options.channel` if it is given, else a new one of this node.
function multicast.new(options)
	assert(daemon, "Init first")
	options = options or {}
	return setmetatable({
		channel = options.channel or skynet.call(daemon, "lua", "NEW"),
		dispatch = options.dispatch,
		pack = options.pack or skynet.pack,
		unpack = options.unpack or skynet.unpack,
		subscribed = false,
	}, channel_meta)
end

-- Sends to all subscribers; returns when the daemon has done its part.
function channel_meta:publish(...)
	local channel = assert(self.channel)
	local message, size = self.pack(...)
	local text = skynet.tostring(message, size)
	skynet.trash(message, size)
	skynet.call(daemon, "lua", "PUB", channel, text)
end

function channel_meta:subscribe()
	local channel = assert(self.channel)
	if not self.subscribed then
		skynet.call(daemon, "lua", "SUB", channel)
		self.subscribed = true
		receivers[channel] = self
	end
end

function channel_meta:unsubscribe()
	local channel = assert(self.channel)
	if not self.subscribed then
		return
	end
	self.subscribed = false
	-- Another object of this service may have taken the channel over.
	if receivers[channel] == self or receivers[channel] == nil then
		receivers[channel] = nil
		skynet.send(daemon, "lua", "USUB", channel)
	end
end

function channel_meta:delete()
	local channel = assert(self.channel)
	skynet.send(daemon, "lua", "DEL", channel)
	receivers[channel] = nil
	self.subscribed = false
	self.channel = nil
end

-- A channel object that nobody has any more receives nothing.
function channel_meta:__gc()
	if self.subscribed then
		self:unsubscribe()
	end
end

local function dispatch(channel, source, message, size)
	-- The session is the channel; nobody waits for an answer.
	skynet.ignoreret()
	local receiver = receivers[channel]
	if receiver then
		receiver.dispatch(receiver, source, receiver.unpack(message, size))
	end
end

skynet.init(function()
	daemon = skynet.uniqueservice "multicastd"
	skynet.register_protocol {
		name = "multicast",
		id = skynet.PTYPE_MULTICAST,
		unpack = function(message, size)
			return message, size
		end,
		dispatch = dispatch,
	}
end)

return multicast
