-- The first service of each node: tells the cluster who is who, opens the node's own port, and
-- becomes what the node is for.

local skynet = require "skynet"
local cluster = require "skynet.cluster"

local node = skynet.getenv "node"
local port = math.tointeger(tonumber(skynet.getenv "port"))

skynet.start(function()
	cluster.reload {
		store = "127.0.0.1:" .. port,
		red = "127.0.0.1:" .. port + 1,
		blue = "127.0.0.1:" .. port + 2,
	}
	cluster.open(node)
	skynet.newservice(node == "store" and "store" or "game", node)
	skynet.exit()
end)
