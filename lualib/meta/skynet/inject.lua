---@meta skynet.inject

-- Runs code in the service, with its tables in reach.

---@param skynet table
---@param source string
---@param filename? string
---@param args? table
---@param ... function
---@return boolean
---@return string[]
local function inject(skynet, source, filename, args, ...) end

return inject
