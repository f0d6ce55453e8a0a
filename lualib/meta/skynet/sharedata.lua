---@meta skynet.sharedata

-- Structured data that all services of a node read, one copy in memory. Views follow each update.

---@class skynet.sharedata
local sharedata = {}

---Publishes a table, or the globals of Lua code, or of a file (`@name`).
---@param name string
---@param value? table|string
---@param ... any
function sharedata.new(name, value, ...) end

---Replaces it.
---@param name string
---@param value? table|string
---@param ... any
function sharedata.update(name, value, ...) end

---Removes it; views keep what they show.
---@param name string
function sharedata.delete(name) end

---Returns this service's view.
---@param name string
---@return table
function sharedata.query(name) end

---Returns a plain copy of what is at a path.
---@param name string
---@param ... string|integer
---@return any
function sharedata.deepcopy(name, ...) end

---Collects garbage.
function sharedata.flush() end

return sharedata
