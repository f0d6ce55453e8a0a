---@meta snax.msgserver

-- A gate for users that have logged in, with requests that can be sent again.

---@class snax.msgserver
local msgserver = {}

---Runs the service.
---@param conf table
function msgserver.start(conf) end

---Returns uid, subid and server.
---@param username string
---@return string
---@return string
---@return string
function msgserver.userid(username) end

---And back.
---@param uid string
---@param subid string
---@param server string
---@return string
function msgserver.username(uid, subid, server) end

---Lets a user in.
---@param username string
---@param secret string
function msgserver.login(username, secret) end

---Lets a user out.
---@param username string
function msgserver.logout(username) end

---Returns where a user comes from.
---@param username string
---@return string?
function msgserver.ip(username) end

return msgserver
