-- Names of nodes to listen as: two nodes with one name, and names that nobody has.
--! differs: the errors name the node, and a file with two addresses is noticed
--! config: cluster = "@TESTS@/module/doubled_nodes.lua"
--! log: has two addresses for node twice: 127.0.0.1:1, and 127.0.0.1:2, which counts

local check = require "check"
local cluster = require "skynet.cluster"
local socket = require "skynet.socket"

-- They are no reason to wait.
local function names_without_an_address()
	check.equal(pcall(cluster.open, "nobody"), false)
	check.logged "nobody is down"
	cluster.reload { marked = false }
	check.equal(pcall(cluster.open, "marked"), false)
	check.logged "marked is down"
end

-- Names are arguments of services.
local function names_with_blanks()
	local text = "the name of a node is a string without blanks, not "
	check.raises_like(text .. "no de$", cluster.call, "no de", "@any")
	check.raises_like(text .. "5$", cluster.call, 5, "@any")
	check.equal(pcall(cluster.reload, { ["no de"] = "127.0.0.1:1" }), false)
	check.equal(pcall(cluster.proxy, "no de", "@any"), false)
	cluster.reload { known = "127.0.0.1:1" }
	check.equal(pcall(cluster.proxy, "known", "@a ny"), false)
	check.logged "Invalid name @a ny"
end

check.main(function()
	names_without_an_address()
	names_with_blanks()
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
