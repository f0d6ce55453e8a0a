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

---Returns the records of a name and for how many seconds they hold.
---@param name string
---@param kind "A"|"AAAA"|"SRV"
---@return (string|table)[]?
---@return integer|string
function dns.query(name, kind) end

---Forgets what was asked.
function dns.flush() end

return dns
