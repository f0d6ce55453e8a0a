---@meta skynet.datasheet

-- Tables that fill themselves at the first touch and show new versions in place.

---@class skynet.datasheet
local datasheet = {}

---Returns the table of a name.
---@param name string
---@return table
function datasheet.query(name) end

return datasheet
