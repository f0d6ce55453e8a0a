---@meta snax.gateserver

-- A service that takes connections and gives packages on.

---@class snax.gateserver
local gateserver = {}

---Begins to read.
---@param id integer
function gateserver.openclient(id) end

---Closes a connection.
---@param id integer
function gateserver.closeclient(id) end

---Runs the service.
---@param new_handler { message: function, open?: function, connect?: function, disconnect?: function, error?: function, warning?: function, command?: function }
function gateserver.start(new_handler) end

return gateserver
