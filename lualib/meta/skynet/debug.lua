---@meta skynet.debug

-- Commands of the protocol `debug`, which every service answers.

---@class skynet.debug
local debug = {}

---Adds a command to this service.
---@param name string
---@param f function
function debug.reg_debugcmd(name, f) end

return debug
