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

return tls
