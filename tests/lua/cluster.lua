-- skynet.cluster: a node that calls itself over a real connection. Spec: cluster section C.

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local socket = require "skynet.socket"
local peer = require "module.cluster_peer"

local mode = ...

local service

local function open()
	local host, port = cluster.open(0)
	check.equal(host, "0.0.0.0")
	check.ok(math.type(port) == "integer" and port > 0)
	cluster.reload { me = "127.0.0.1:" .. port }
	cluster.register("server", service)
	return port
end

local function calls()
	check.results({ 1, "two", { 3 } }, cluster.call("me", "@server", "echo", 1, "two", { 3 }))
	check.results({ "byid" }, cluster.call("me", service, "echo", "byid"))
	check.results({}, cluster.call("me", "@server", "nothing"))
	check.results({ n = 3, nil, false, nil }, cluster.call("me", "@server", "echo", nil, false, nil))
	check.equal(cluster.query("me", "server"), service)
end

local function errors()
	check.equal(pcall(cluster.call, "me", "@nobody", "echo"), false)
	check.equal(pcall(cluster.call, "me", "@server", "fail"), false)
	check.equal(pcall(cluster.call, "me", 0xffff, "echo"), false)
	check.equal(pcall(cluster.call, "me", ".nobody", "echo"), false)
	check.equal(pcall(cluster.query, "me", "nobody"), false)
	-- The connection is still good.
	check.results({ "again" }, cluster.call("me", "@server", "echo", "again"))
end

-- Around every size at which a message is split.
local function large_messages()
	for _, size in ipairs { 32760, 32767, 32768, 32769, 65535, 65536, 65537, 100000, 1 << 20 } do
		check.equal(cluster.call("me", "@server", "size", string.rep("Q", size)), size)
		check.equal(#cluster.call("me", "@server", "big", size), size)
		check.equal(cluster.call("me", service, "size", string.rep("Q", size)), size)
	end
end

local function concurrent_calls()
	local order = {}
	for _, word in ipairs { "one", "two", "three" } do
		skynet.fork(function()
			table.insert(order, (cluster.call("me", "@server", "wait", word)))
		end)
	end
	for _, word in ipairs { "three", "two", "one" } do
		check.eventually(function()
			return cluster.call("me", "@server", "go", word)
		end, "the call waits")
	end
	check.eventually(function()
		return #order == 3
	end, "three answers")
	check.same(order, { "three", "two", "one" })
end

local function pushes()
	for index = 1, 20 do
		cluster.send("me", "@server", "push", index)
	end
	cluster.send("me", service, "push", string.rep("P", 50000))
	cluster.send("me", "@nobody", "push")
	local pushed = check.eventually(function()
		local pushed = cluster.call("me", "@server", "pushed")
		return #pushed == 21 and pushed
	end, "21 pushes arrive")
	for index = 1, 20 do
		check.equal(pushed[index][1], index)
	end
	check.equal(#pushed[21][1], 50000)
end

local function names()
	check.equal(pcall(cluster.register, "server", service), false)
	cluster.register("other", service)
	check.equal(pcall(cluster.query, "me", "server"), false)
	check.equal(cluster.query("me", "other"), service)
	cluster.unregister "other"
	cluster.unregister "other"
	check.equal(pcall(cluster.call, "me", "@other", "echo"), false)
	cluster.register("server", service)
	check.results({ 1 }, cluster.call("me", "@server", "echo", 1))
	check.equal(pcall(cluster.register, 12), false)
	check.equal(pcall(cluster.register, "name", "no number"), false)
end

local function proxies()
	local proxy = cluster.proxy("me", "@server")
	check.equal(cluster.proxy "me@server", proxy)
	check.results({ 1, "two" }, skynet.call(proxy, "lua", "echo", 1, "two"))
	check.equal(skynet.call(proxy, "lua", "size", string.rep("Q", 70000)), 70000)
	check.equal(#skynet.call(proxy, "lua", "big", 70000), 70000)
	check.equal(pcall(skynet.call, proxy, "lua", "fail"), false)
	local before = #skynet.call(service, "lua", "pushed")
	skynet.send(proxy, "lua", "push", "by proxy")
	check.eventually(function()
		return #skynet.call(service, "lua", "pushed") == before + 1
	end, "a push through the proxy")
	local by_number = cluster.proxy("me", service)
	check.results({ "id" }, skynet.call(by_number, "lua", "echo", "id"))
	check.equal(pcall(cluster.proxy, "me"), false)
end

local function senders()
	local sender = cluster.get_sender "me"
	check.equal(cluster.get_sender "me", sender)
	check.ok(math.type(sender) == "integer")
	check.equal(skynet.call(skynet.uniqueservice "clusterd", "lua", "senders").me, sender)
	local msg, size = skynet.rawcall(sender, "lua", skynet.pack("req", "@server", skynet.pack("echo", "raw")))
	check.results({ "raw" }, skynet.unpack(msg, size))
end

-- Who asks for a node that nobody knows waits for it, and what it sends keeps its order.
local function unknown_nodes(port)
	local results = {}
	for index = 1, 3 do
		cluster.send("later", "@server", "push", "early", index)
		skynet.fork(function()
			table.insert(results, (cluster.call("later", "@server", "echo", index)))
		end)
	end
	skynet.sleep(5)
	check.same(results, {})
	cluster.reload { later = "127.0.0.1:" .. port }
	check.eventually(function()
		return #results == 3
	end, "the node is found")
	check.same(results, { 1, 2, 3 })
	check.equal(cluster.call("later", "@server", "echo", "now"), "now")
	local asked = check.logged "Waiting for cluster node [later]"
	check.ok(check.logged("Cluster node [later] resolved : 127.0.0.1:" .. port) > asked)
end

local function nodes_that_are_down(port)
	cluster.reload { me = false }
	check.equal(pcall(cluster.call, "me", "@server", "echo"), false)
	cluster.reload { me = "127.0.0.1:" .. port }
	check.eventually(function()
		return pcall(cluster.call, "me", "@server", "echo", "up again")
	end, "the node is up again")
	cluster.reload { __nowaiting = true }
	check.equal(pcall(cluster.call, "absent", "@server", "echo"), false)
	cluster.send("absent", "@server", "push", "is dropped")
	check.equal(pcall(cluster.reload, { me = 12 }), false)
	check.results({ "still up" }, cluster.call("me", "@server", "echo", "still up"))
end

-- Each request has the next session, and so has a push in parts; a small push has none.
local function sessions_on_the_wire()
	local seen = {}
	local listener = peer.listen("counts", function(fd)
		for packet in peer.read, fd do
			local first = string.byte(packet)
			if first == 0x00 then
				table.insert(seen, (string.unpack("<I4", packet, 6)))
				if seen[#seen] ~= 0 then
					peer.write(fd, string.sub(packet, 6, 9) .. "\1")
				end
			elseif first == 0x41 then
				table.insert(seen, (string.unpack("<I4", packet, 6)))
			end
		end
	end)
	cluster.call("counts", 10)
	cluster.send("counts", 10)
	cluster.call("counts", 10)
	cluster.send("counts", 10, string.rep("x", 40000))
	cluster.call("counts", 10)
	check.eventually(function()
		return #seen == 5
	end, "all have come")
	-- The packets of a large push may be overtaken.
	table.sort(seen)
	check.same(seen, { 0, 1, 2, 3, 4 })
	socket.close(listener)
end

-- A port that was opened by a name stays open when the name moves.
local function a_name_moves_away_from_its_port()
	local address = "127.0.0.1:" .. check.free_port()
	cluster.reload { opened = address }
	check.equal(cluster.open "opened", "opened")
	cluster.reload { opened = "127.0.0.1:1", stays = address }
	check.results({ 1 }, cluster.call("stays", "@server", "echo", 1))
end

local function refused_connections()
	cluster.reload { refused = "127.0.0.1:" .. check.free_port() }
	check.equal(pcall(cluster.call, "refused", "@server", "echo"), false)
	check.equal(cluster.get_sender "refused", nil)
	check.equal(pcall(cluster.open, "refused twice"), false)
end

if mode == "server" then
	check.serve(require "module.echo_commands")
else
	check.main(function()
		service = check.helper "server"
		local port = open()
		calls()
		errors()
		large_messages()
		concurrent_calls()
		pushes()
		names()
		proxies()
		senders()
		unknown_nodes(port)
		sessions_on_the_wire()
		a_name_moves_away_from_its_port()
		nodes_that_are_down(port)
		refused_connections()
	end)
end
