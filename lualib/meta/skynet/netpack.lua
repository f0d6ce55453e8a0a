---@meta skynet.netpack

-- Packages with a length of two bytes in front.

---@class skynet.netpack
local netpack = {}

---Adds the length.
---@param data string|lightuserdata
---@param size? integer
---@return lightuserdata
---@return integer
function netpack.pack(data, size) end

---Takes a message of the socket thread.
---@param queue userdata?
---@param message lightuserdata
---@param size integer
---@return userdata?
---@return string?
---@return integer?
---@return any
---@return any
function netpack.filter(queue, message, size) end

---As `filter` of a message with these bytes; without bytes, the connection has gone.
---@param queue userdata?
---@param id integer
---@param text? string
---@return userdata?
---@return string?
---@return integer?
---@return any
---@return any
function netpack.feed(queue, id, text) end

---Takes a package out.
---@param queue userdata
---@return integer?
---@return lightuserdata?
---@return integer?
function netpack.pop(queue) end

---Frees what is there.
---@param queue userdata
function netpack.clear(queue) end

---Copies a package and frees it.
---@param message lightuserdata
---@param size integer
---@return string
function netpack.tostring(message, size) end

return netpack
