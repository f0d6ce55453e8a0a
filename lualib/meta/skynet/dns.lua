---@meta skynet.dns

-- Asks DNS servers for addresses.

---@class skynet.dns
---@field DEFAULT_HOSTS string
---@field DEFAULT_RESOLV_CONF string
local dns = {}

---Sets the server; without an address the system's.
---@param ip? string
---@param port? integer
---@return string
function dns.server(ip, port) end

---Returns an address, and all of them.
---@param name string
---@param ipv6? boolean
---@return string
---@return string[]
function dns.resolve(name, ipv6) end

---Forgets what was asked.
function dns.flush() end

return dns
