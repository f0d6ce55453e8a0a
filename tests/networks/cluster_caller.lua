-- Calls the node `server` once, and logs what became of it.

local skynet = require "skynet"
local cluster = require "skynet.cluster"

skynet.start(function()
	cluster.reload { server = "127.0.0.1:" .. skynet.getenv "server_port" }
	local ok, result = pcall(cluster.call, "server", "@main", "echo", "hello")
	skynet.error("CALLED " .. tostring(ok) .. " " .. tostring(result))
end)
