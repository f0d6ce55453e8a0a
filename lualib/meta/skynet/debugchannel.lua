---@meta skynet.debugchannel

-- The channel between a debug console and a service.

---@class skynet.debugchannel
local debugchannel = {}

---Makes a channel; the pointer is for one `connect`.
---@return userdata
---@return lightuserdata
function debugchannel.create() end

---Takes the other end.
---@param pointer lightuserdata
---@return userdata
function debugchannel.connect(pointer) end

---`debug.sethook` that can yield.
---@param thread thread
---@param f? function
---@param mask? string
---@param count? integer
function debugchannel.sethook(thread, f, mask, count) end

return debugchannel
