---@meta skynet.coroutine

-- Coroutines inside of a task whose functions may block.

---@class skynet.coroutine
local coroutine = {}

---Makes a coroutine.
---@param f function
---@return thread
function coroutine.create(f) end

---Runs it on; when it blocks, the whole chain does.
---@param co thread
---@param ... any
---@return boolean
---@return any ...
function coroutine.resume(co, ...) end

---Gives values to the resumer.
---@param ... any
---@return any ...
function coroutine.yield(...) end

---Makes a coroutine as a function.
---@param f function
---@return function
function coroutine.wrap(f) end

---Tells what it does.
---@param co thread
---@return "running"|"suspended"|"normal"|"dead"|"blocked"
function coroutine.status(co) end

---Returns the task at the root of the chain.
---@param co? thread
---@return thread
---@return boolean
function coroutine.thread(co) end

---The standard function.
---@return thread
---@return boolean
function coroutine.running() end

---The standard function.
---@return boolean
function coroutine.isyieldable() end

---Ends it.
---@param co thread
---@return boolean
---@return any
function coroutine.close(co) end

return coroutine
