---@meta http.websocket

-- WebSocket, both sides.

---@class http.websocket
local websocket = {}

---Serves a connection.
---@param id integer
---@param handle table
---@param protocol? "ws"|"wss"
---@param addr? string
---@param options? table
---@return true?
---@return string?
function websocket.accept(id, handle, protocol, addr, options) end

---Connects.
---@param url string
---@param header? table
---@param timeout? integer
---@return integer
function websocket.connect(url, header, timeout) end

---Reads a message; false when it is closed.
---@param id integer
---@return string|false
---@return string?
function websocket.read(id) end

---Writes a message.
---@param id integer
---@param data string
---@param format? "text"|"binary"
---@param key? integer
function websocket.write(id, data, format, key) end

---Sends a ping.
---@param id integer
function websocket.ping(id) end

---Closes.
---@param id integer
---@param code? integer
---@param reason? string
function websocket.close(id, code, reason) end

---Returns the other side's address.
---@param id integer
---@return string
function websocket.addrinfo(id) end

---Returns the address that a proxy tells.
---@param id integer
---@return string?
function websocket.real_ip(id) end

---Tells whether it is closed.
---@param id integer
---@return boolean
function websocket.is_close(id) end

return websocket
