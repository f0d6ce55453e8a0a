---@meta snax.loginserver

-- A service that checks who users are.

---@param conf { host: string, port: integer, name: string, auth_handler: function, login_handler: function, command_handler: function, multilogin?: boolean, instance?: integer }
local function loginserver(conf) end

return loginserver
