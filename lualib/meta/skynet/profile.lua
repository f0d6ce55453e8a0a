---@meta skynet.profile

-- Processor time of coroutines.

---@class skynet.profile
local profile = {}

---Begins to count.
---@param co? thread
function profile.start(co) end

---Ends counting; returns seconds.
---@param co? thread
---@return number
function profile.stop(co) end

---`coroutine.resume` that counts.
---@param co thread
---@param ... any
---@return boolean
---@return any ...
function profile.resume(co, ...) end

---`coroutine.wrap` that counts.
---@param f function
---@return function
function profile.wrap(f) end

return profile
