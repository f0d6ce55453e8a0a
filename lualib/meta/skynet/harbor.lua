---@meta skynet.harbor

-- Names and nodes of the network.

---@class skynet.harbor
local harbor = {}

---Registers a name.
---@param name string
---@param address? integer
function harbor.globalname(name, address) end

---Waits for a name.
---@param argument string
---@return integer
function harbor.queryname(argument) end

---Waits until a node is connected.
---@param argument integer
function harbor.connect(argument) end

---Waits until a node is gone.
---@param argument integer
function harbor.link(argument) end

---Waits until the connection to the master is lost.
---@param argument? nil
function harbor.linkmaster(argument) end

return harbor
