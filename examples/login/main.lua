-- Starts login server and game server, plays a client that loses its connection, and ends the node.
local skynet = require "skynet"
require "skynet.manager"

skynet.start(function()
	local login = skynet.newservice "login"
	local game = skynet.newservice("game", login)
	local port = tonumber(skynet.getenv "login_port") + 1
	skynet.call(game, "lua", "open", { address = "127.0.0.1", port = port, servername = "island" })
	skynet.call(skynet.newservice "client", "lua", "play", port)
	skynet.abort()
end)
