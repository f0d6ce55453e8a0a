---@meta skynet.mqueue

-- Messages handled one after the other; `skynet.queue` is the newer way.

---@class skynet.mqueue
local mqueue = {}

---Sets who handles them.
---@param f function
function mqueue.register(f) end

---Sends one and waits for its result.
---@param address integer|string
---@param ... any
---@return any ...
function mqueue.call(address, ...) end

---Sends one.
---@param address integer|string
---@param ... any
function mqueue.send(address, ...) end

---Returns how many wait.
---@return integer
function mqueue.size() end

return mqueue
