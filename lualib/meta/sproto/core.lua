---@meta sproto.core

-- The raw functions below `sproto`.

---@class sproto.core
local core = {}

---Reads a compiled schema.
---@param bundle string
---@return lightuserdata?
function core.newproto(bundle) end

---Frees one.
---@param proto lightuserdata
function core.deleteproto(proto) end

---Prints one.
---@param proto lightuserdata
function core.dumpproto(proto) end

---Finds a type.
---@param proto lightuserdata
---@param name string
---@return lightuserdata?
function core.querytype(proto, name) end

---Finds a protocol.
---@param proto lightuserdata
---@param key string|integer
---@return any ...
function core.protocol(proto, key) end

---Returns a type's default values.
---@param kind lightuserdata
---@return table
function core.default(kind) end

---Encodes.
---@param kind lightuserdata
---@param value table
---@return string
function core.encode(kind, value) end

---Decodes.
---@param kind lightuserdata
---@param data string|lightuserdata
---@param size? integer
---@return table
---@return integer
function core.decode(kind, data, size) end

---Packs bytes.
---@param data string|lightuserdata
---@param size? integer
---@return string
function core.pack(data, size) end

---And back.
---@param data string|lightuserdata
---@param size? integer
---@return string
function core.unpack(data, size) end

---Puts a schema where all services find it.
---@param proto lightuserdata
---@param index? integer
function core.saveproto(proto, index) end

---Takes it.
---@param index? integer
---@return lightuserdata
function core.loadproto(index) end

return core
