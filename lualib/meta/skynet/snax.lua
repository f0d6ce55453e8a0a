---@meta skynet.snax

-- Typed calls: services that are files of functions.

---A snax service.
---@class skynet.snax.object
---@field post table<string, fun(...: any)>
---@field req table<string, fun(...: any): ...>
---@field handle integer
---@field type string

---@class skynet.snax
local snax = {}

---Starts a service and runs its `init`.
---@param name string
---@param ... any
---@return skynet.snax.object
function snax.newservice(name, ...) end

---As `newservice`; returns the address.
---@param name string
---@param ... any
---@return integer
function snax.rawnewservice(name, ...) end

---Starts it once a node.
---@param name string
---@param ... any
---@return skynet.snax.object
function snax.uniqueservice(name, ...) end

---Starts it once in the network.
---@param name string
---@param ... any
---@return skynet.snax.object
function snax.globalservice(name, ...) end

---Waits for it.
---@param name string
---@return skynet.snax.object
function snax.queryservice(name) end

---Waits for it.
---@param name string
---@return skynet.snax.object
function snax.queryglobal(name) end

---Makes an object for an address.
---@param handle integer
---@param kind string
---@return skynet.snax.object
function snax.bind(handle, kind) end

---The object of this service.
---@return skynet.snax.object
function snax.self() end

---Runs `exit` there and ends the service.
---@param object skynet.snax.object
---@param ... any
function snax.kill(object, ...) end

---Ends this service.
---@param ... any
function snax.exit(...) end

---Returns the numbers of its functions.
---@param name string
---@return table
function snax.interface(name) end

---Replaces functions of a running service.
---@param object skynet.snax.object
---@param source string
---@param ... any
---@return any ...
function snax.hotfix(object, source, ...) end

---Returns what its functions cost.
---@param object skynet.snax.object
---@return table<string, { count: integer, time: number }>
function snax.profile_info(object) end

---Writes to the log.
---@param format string
---@param ... any
function snax.printf(format, ...) end

---Lets other nodes of a cluster call this service.
function snax.enablecluster() end

return snax
