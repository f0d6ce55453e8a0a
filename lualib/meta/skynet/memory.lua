---@meta skynet.memory

-- Figures of the C heap.

---@class skynet.memory
local memory = {}

---Bytes in use.
---@return integer
function memory.total() end

---Blocks in use.
---@return integer
function memory.block() end

---Bytes of this service.
---@return integer
function memory.current() end

---Bytes by service.
---@return table<integer, integer>
function memory.info() end

---Figures of the allocator.
---@return table
function memory.jestat() end

---Asks the allocator.
---@param name string
---@return integer
function memory.mallctl(name) end

---Lets the garbage collector have the coroutines that this service keeps for later.
function memory.trim() end

---Writes the figures to the log.
function memory.dump() end

---Writes the allocator's own report.
---@param options? string
function memory.dumpinfo(options) end

---Writes a profile of the heap.
function memory.dumpheap() end

---Switches profiling.
---@param on? boolean
---@return boolean
function memory.profactive(on) end

return memory
