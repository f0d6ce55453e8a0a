---@meta skynet.datasheet.builder

-- The making side of datasheets.

---@class skynet.datasheet.builder
local builder = {}

---Publishes a table, or a document.
---@param name string
---@param value table|string
function builder.new(name, value) end

---Publishes a new version.
---@param name string
---@param value table|string
function builder.update(name, value) end

---Returns the document of a table.
---@param value table
---@return string
function builder.compile(value) end

return builder
