---@meta ltls.c

-- The native part of `http.tlshelper`.

---@class ltls.c
local tls = {}

---Makes a context.
---@return userdata
function tls.newctx() end

---Makes a connection's state.
---@param method "client"|"server"
---@param context userdata
---@param hostname? string
---@return userdata
function tls.newtls(method, context, hostname) end

---A session that another service has released, once. `released`: what `release` returned there.
---@param released lightuserdata
---@return userdata
function tls.adopt(released) end

return tls
