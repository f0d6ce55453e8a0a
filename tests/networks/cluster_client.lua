-- The node `client`: calls the node `server`. Spec: cluster section C.

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"

local function calls()
	check.results({ 1, "two", { 3 } }, cluster.call("server", "@main", "echo", 1, "two", { 3 }))
	local address = cluster.query("server", "main")
	check.results({ "by address" }, cluster.call("server", address, "echo", "by address"))
	check.equal(pcall(cluster.call, "server", "@main", "fail"), false)
	check.equal(pcall(cluster.call, "server", "@nobody", "echo"), false)
	check.equal(pcall(cluster.call, "server", 0xfffff, "echo"), false)
	check.equal(pcall(cluster.query, "server", "nobody"), false)
	for _, size in ipairs { 32768, 32769, 200000 } do
		check.equal(cluster.call("server", "@main", "size", string.rep("Q", size)), size)
		check.equal(#cluster.call("server", "@main", "big", size), size)
	end
end

local function pushes()
	for index = 1, 50 do
		cluster.send("server", "@main", "push", index)
	end
	cluster.send("server", "@main", "push", string.rep("P", 100000))
	local pushed = check.eventually(function()
		local pushed = cluster.call("server", "@main", "pushed")
		return #pushed == 51 and pushed
	end, "51 pushes arrive")
	for index = 1, 50 do
		check.equal(pushed[index][1], index)
	end
end

local function proxies()
	local proxy = cluster.proxy "server@main"
	check.results({ "by proxy" }, skynet.call(proxy, "lua", "echo", "by proxy"))
	check.equal(pcall(skynet.call, proxy, "lua", "fail"), false)
	check.equal(cluster.snax("server", "clustered").req.twice(21), 42)
end

local function both_ways()
	cluster.reload { client = "127.0.0.1:" .. skynet.getenv "client_port" }
	cluster.open "client"
	cluster.register "answers"
	skynet.dispatch("lua", function(_, _, ...)
		skynet.retpack("answer", ...)
	end)
	check.results({ "answer", 7 }, cluster.call("server", "@main", "call_back", "client", "@answers", 7))
end

check.main(function()
	cluster.reload { server = "127.0.0.1:" .. skynet.getenv "server_port" }
	calls()
	pushes()
	proxies()
	both_ways()
end)
