---@meta skynet.codecache

-- The cache of compiled files.

---@class skynet.codecache
local codecache = {}

---Has files compiled anew.
function codecache.clear() end

---Sets or returns how this service uses it.
---@param mode? "ON"|"OFF"|"EXIST"
---@return string?
function codecache.mode(mode) end

---Loads a file through it.
---@param filename? string
---@param mode? string
---@param env? table
---@return function?
---@return string?
function codecache.loadfile(filename, mode, env) end

return codecache
