---@meta skynet.sharemap

-- Objects of a sproto type that one service writes and others read.

---@class skynet.sharemap.writer
local writer = {}

---Publishes what was changed.
function writer:commit() end

---Makes a copy for one `reader` in another service.
---@return lightuserdata
function writer:copy() end

---@class skynet.sharemap.reader
local reader = {}

---Takes over what was published.
---@return boolean
function reader:update() end

---@class skynet.sharemap
local sharemap = {}

---Reads a sproto schema.
---@param filename string
function sharemap.register(filename) end

---Makes an object to write.
---@param typename string
---@param object? table
---@return skynet.sharemap.writer
function sharemap.writer(typename, object) end

---Makes an object to read.
---@param typename string
---@param copy lightuserdata
---@return skynet.sharemap.reader
function sharemap.reader(typename, copy) end

return sharemap
