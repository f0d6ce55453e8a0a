---@meta http.sockethelper

-- Reading and writing functions for sockets.

---@class http.sockethelper
---@field socket_error table
local sockethelper = {}

---Connects; raises `socket_error`.
---@param host string
---@param port integer
---@param timeout? integer
---@return integer
function sockethelper.connect(host, port, timeout) end

---Closes.
---@param id integer
function sockethelper.close(id) end

---Closes at once.
---@param id integer
function sockethelper.shutdown(id) end

---Returns a function that reads or raises.
---@param id integer
---@param rest? string
---@return fun(size?: integer): string
function sockethelper.readfunc(id, rest) end

---Reads up to the end.
---@param id integer
---@return string
function sockethelper.readall(id) end

---Returns a function that writes or raises.
---@param id integer
---@return fun(data: string)
function sockethelper.writefunc(id) end

---Notes which socket a reading function belongs to.
---@param read function
---@param id integer
function sockethelper.belongs(read, id) end

---Limits how long a reading function may take.
---@param read function
---@param seconds number
---@param why? string
function sockethelper.deadline(read, seconds, why) end

return sockethelper
