---@meta skynet.service

-- Unique services whose code is a function of the caller.

---@class skynet.service
local service = {}

---Returns the service of a name, and makes it of the function if there is none.
---@param name string
---@param mainfunc function
---@param ... any
---@return integer
function service.new(name, mainfunc, ...) end

---Waits for it.
---@param name string
---@return integer
function service.query(name) end

---Ends it.
---@param name string
---@return boolean
function service.close(name) end

return service
