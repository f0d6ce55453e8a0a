---@meta sproto

-- Messages of described types.

---@class sproto
local sproto = {}

---Reads a compiled schema.
---@param bundle string
---@return sproto
function sproto.new(bundle) end

---Reads a schema.
---@param text string
---@return sproto
function sproto.parse(text) end

---Takes a schema that another service has.
---@param cobj lightuserdata
---@return sproto
function sproto.sharenew(cobj) end

---Makes the dispatcher of a connection.
---@param package_name? string
---@return table
function sproto:host(package_name) end

---Tells whether there is a type.
---@param name string
---@return boolean
function sproto:exist_type(name) end

---Tells whether there is a protocol.
---@param key string|integer
---@return boolean
function sproto:exist_proto(key) end

---Returns a protocol.
---@param key string|integer
---@return table
function sproto:queryproto(key) end

---Encodes.
---@param name string
---@param value table
---@return string
function sproto:encode(name, value) end

---Decodes.
---@param name string
---@param ... any
---@return table
---@return integer
function sproto:decode(name, ...) end

---Encodes and packs.
---@param name string
---@param value table
---@return string
function sproto:pencode(name, value) end

---Unpacks and decodes.
---@param name string
---@param ... any
---@return table
function sproto:pdecode(name, ...) end

---Encodes a request.
---@param key string|integer
---@param value? table
---@return string
---@return integer
function sproto:request_encode(key, value) end

---Decodes a request.
---@param key string|integer
---@param ... any
---@return table
---@return string
function sproto:request_decode(key, ...) end

---Encodes a response.
---@param key string|integer
---@param value? table
---@return string
function sproto:response_encode(key, value) end

---Decodes a response.
---@param key string|integer
---@param ... any
---@return table
function sproto:response_decode(key, ...) end

---Returns a type's default values.
---@param name string
---@param side? "REQUEST"|"RESPONSE"
---@return table
function sproto:default(name, side) end

---Packs bytes: runs of zeros go.
---@param data string|lightuserdata
---@param size? integer
---@return string
function sproto.pack(data, size) end

---And back.
---@param data string|lightuserdata
---@param size? integer
---@return string
function sproto.unpack(data, size) end

return sproto
