---@meta http.tlshelper

-- TLS for sockets.

---@class http.tlshelper
local tlshelper = {}

---Makes a context: certificates and settings.
---@return userdata
function tlshelper.newctx() end

---Makes a connection's state.
---@param method "client"|"server"
---@param context userdata
---@param hostname? string
---@return userdata
function tlshelper.newtls(method, context, hostname) end

---Returns the handshake of a client.
---@param id integer
---@param tls userdata
---@return function
function tlshelper.init_requestfunc(id, tls) end

---Returns the handshake of a server.
---@param id integer
---@param tls userdata
---@return function
function tlshelper.init_responsefunc(id, tls) end

---Returns a function that reads.
---@param id integer
---@param tls userdata
---@return fun(size?: integer): string
function tlshelper.readfunc(id, tls) end

---Returns a function that reads up to the end.
---@param id integer
---@param tls userdata
---@return fun(): string
function tlshelper.readallfunc(id, tls) end

---Returns a function that writes.
---@param id integer
---@param tls userdata
---@return fun(data: string)
function tlshelper.writefunc(id, tls) end

---Returns the end of a connection.
---@param tls userdata
---@return function
function tlshelper.closefunc(tls) end

return tlshelper
