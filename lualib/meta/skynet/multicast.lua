---@meta skynet.multicast

-- Channels: what one service publishes reaches every subscriber.

---@class skynet.multicast.channel
---@field channel integer
local channel = {}

---Sends to all subscribers.
---@param ... any
function channel:publish(...) end

---Lets this service receive.
function channel:subscribe() end

---Receives no more.
function channel:unsubscribe() end

---Ends the channel for everybody.
function channel:delete() end

---@class skynet.multicast
local multicast = {}

---Returns a channel: a new one without a number.
---@param options? { channel?: integer, dispatch?: fun(channel: skynet.multicast.channel, source: integer, ...: any), pack?: function, unpack?: function }
---@return skynet.multicast.channel
function multicast.new(options) end

return multicast
