---@meta skynet.datasheet.dump

-- Documents of datasheets.

---@class skynet.datasheet.dump
local dump = {}

---Returns the document of a table.
---@param value table
---@return string
function dump.dump(value) end

---Returns the table of a document.
---@param document string
---@return table
function dump.undump(document) end

---Returns `current` with the table numbers of `last`.
---@param last string
---@param current string
---@return string
function dump.diff(last, current) end

return dump
