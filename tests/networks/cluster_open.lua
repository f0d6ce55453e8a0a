-- Listens on several addresses.

local skynet = require "skynet"
local cluster = require "skynet.cluster"

skynet.start(function()
	cluster.reload { loopback = "127.0.0.1:0", six = "[::1]:0" }
	cluster.open "loopback"
	pcall(cluster.open, "six")
	cluster.open(0)
	cluster.open(0)
	skynet.error "READY"
end)
