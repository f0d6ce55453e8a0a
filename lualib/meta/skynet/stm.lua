---@meta skynet.stm

-- One writer publishes a block of bytes, many readers see the latest.

---@class skynet.stm
local stm = {}

---Makes a writer.
---@param block string|lightuserdata
---@param size? integer
---@return fun(block: string|lightuserdata, size?: integer)
function stm.new(block, size) end

---Makes a copy for one `newcopy` in another service.
---@param writer function
---@return lightuserdata
function stm.copy(writer) end

---Makes a reader: `reader(f, extra)` gives false, or true and what `f` returns.
---@param copy lightuserdata
---@return fun(f: fun(block: lightuserdata, size: integer, extra: any), extra: any): boolean
function stm.newcopy(copy) end

return stm
