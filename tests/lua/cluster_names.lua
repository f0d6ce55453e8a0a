-- Two nodes with one name: who comes second is told which one it is.
--! differs: the errors name the node, and a file with two addresses is noticed
--! config: cluster = "@TESTS@/module/doubled_nodes.lua"
--! log: has two addresses for node twice: 127.0.0.1:1, and 127.0.0.1:2, which counts

local check = require "check"
local cluster = require "skynet.cluster"
local socket = require "skynet.socket"

check.main(function()
	check.not_logged "for node once"
	local port = check.free_port()
	local id = socket.listen("127.0.0.1", port)
	cluster.reload { me = "127.0.0.1:" .. port }
	check.raises_like("node me cannot listen on 127%.0%.0%.1:" .. port .. ", the log says why", cluster.open, "me")
	check.logged("cannot listen on 127.0.0.1:" .. port .. ": Address already in use")
	socket.close(id)
	check.equal(cluster.open "me", "me")
	check.raises_like("another node with its name or port", cluster.open, "me")
	check.raises_like("node 0%.0%.0%.0 cannot listen on 0%.0%.0%.0:" .. port, cluster.open, port)
end)
