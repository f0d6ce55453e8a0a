---@meta sprotoloader

-- Schemas that all services share.

---@class sprotoloader
local loader = {}

---Reads a schema from a file.
---@param filename string
---@param index integer
function loader.register(filename, index) end

---Shares a compiled schema.
---@param bundle string
---@param index integer
function loader.save(bundle, index) end

---Takes one.
---@param index integer
---@return sproto
function loader.load(index) end

return loader
