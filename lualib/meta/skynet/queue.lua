---@meta skynet.queue

-- Makes a critical section: `section(f, ...)` runs one function at a time, in the order of the
-- calls.

---@return fun(f: function, ...: any): ...
local function queue() end

return queue
