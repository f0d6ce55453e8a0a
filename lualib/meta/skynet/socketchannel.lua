---@meta skynet.socketchannel

-- Requests and answers over one connection, which is made again when it breaks.

---@class skynet.socketchannel.channel
local channel = {}

---Connects.
---@param once? boolean
---@return boolean
function channel:connect(once) end

---Sends a request and waits for its answer.
---@param request string
---@param response? function|any
---@param padding? string[]
---@return any
function channel:request(request, response, padding) end

---Waits for what the other side sends.
---@param response function
---@return any
function channel:response(response) end

---Closes.
function channel:close() end

---Goes to another host.
---@param host string
---@param port? integer
function channel:changehost(host, port) end

---Sets where to go when the host is away.
---@param backup table
function channel:changebackup(backup) end

---@class skynet.socketchannel
---@field error table
local socketchannel = {}

---Makes a channel; it connects when it is used.
---@param desc { host: string, port?: integer, auth?: function, response?: function, nodelay?: boolean, backup?: table, overload?: function }
---@return skynet.socketchannel.channel
function socketchannel.channel(desc) end

return socketchannel
