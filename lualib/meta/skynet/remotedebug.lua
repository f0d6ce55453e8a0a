---@meta skynet.remotedebug

-- The debugger inside of a service.

---@class skynet.remotedebug
local remotedebug = {}

---Enters debug mode.
---@param _ table
---@param fd integer
---@param pointer lightuserdata
function remotedebug.start(_, fd, pointer) end

return remotedebug
