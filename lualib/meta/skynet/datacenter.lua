---@meta skynet.datacenter

-- A tree of values that all services of the network share.

---@class skynet.datacenter
local datacenter = {}

---Stores the last argument at the path before it; returns the old value.
---@param ... any
---@return any
function datacenter.set(...) end

---Returns the value at a path.
---@param ... any
---@return any
function datacenter.get(...) end

---Waits until there is a value at a path.
---@param ... any
---@return any
function datacenter.wait(...) end

return datacenter
