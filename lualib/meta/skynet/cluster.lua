---@meta skynet.cluster

-- Calls between nodes of a cluster.

---@class skynet.cluster
local cluster = {}

---Calls a service of another node.
---@param node string
---@param address integer|string
---@param ... any
---@return any ...
function cluster.call(node, address, ...) end

---As `call`, but raises when the answer does not come in time.
---@param limit integer
---@param node string
---@param address integer|string
---@param ... any
---@return any ...
function cluster.call_timeout(limit, node, address, ...) end

---Sends to one.
---@param node string
---@param address integer|string
---@param ... any
function cluster.send(node, address, ...) end

---Listens for other nodes. Returns the address and the port, or the name of the node.
---@param port string|integer
---@param max? integer
---@return string
---@return integer?
function cluster.open(port, max) end

---Reads the nodes' addresses anew.
---@param config? table<string, string|false>
function cluster.reload(config) end

---Looks for nodes that are not configured.
---@param source string
function cluster.discover(source) end

---Tells other nodes where a node is.
---@param node string
---@param address string
function cluster.announce(node, address) end

---Takes an announcement back.
---@param node string
function cluster.withdraw(node) end

---Makes a service that stands for one of another node.
---@param node string
---@param name? integer|string
---@return integer
function cluster.proxy(node, name) end

---Returns the address of a name of another node.
---@param node string
---@param name string
---@return integer
function cluster.query(node, name) end

---Gives a service a name for other nodes.
---@param name string
---@param address? integer
function cluster.register(name, address) end

---Takes a name back.
---@param name string
function cluster.unregister(name) end

---Makes an object for a snax service of another node.
---@param node string
---@param name string
---@param address? integer
---@return skynet.snax.object
function cluster.snax(node, name, address) end

---Returns the service that sends to a node, nil when it cannot be reached.
---@param node string
---@return integer?
function cluster.get_sender(node) end

return cluster
