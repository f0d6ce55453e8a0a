---@meta skynet.injectcode

-- Runs code in the place of a stack frame.

---Arguments: a coroutine, a level, a table of functions; each may be left out.
---@param source string
---@param ... any
---@return boolean
---@return any ...
local function injectcode(source, ...) end

return injectcode
