---@meta skynet.sharetable

-- Lua tables that all services of a node read, one copy in memory.

---@class skynet.sharetable
---@field address integer
local sharetable = {}

---Publishes the table that a file returns, under the file's name.
---@param filename string
---@param ... any
function sharetable.loadfile(filename, ...) end

---Publishes the table that Lua code returns.
---@param name string
---@param source string
---@param ... any
function sharetable.loadstring(name, source, ...) end

---Publishes a copy of a table.
---@param name string
---@param tbl table
function sharetable.loadtable(name, tbl) end

---Returns the newest version.
---@param name string
---@return table?
function sharetable.query(name) end

---Returns several, or all.
---@param names? string[]
---@return table<string, table>
function sharetable.queryall(names) end

---Lets what this service has of older versions show the newest one.
---@param ... string
function sharetable.update(...) end

return sharetable
