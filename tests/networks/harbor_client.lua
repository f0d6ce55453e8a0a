-- Harbor 2: calls what harbor 1 offers. Spec: cluster section H.

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"
local harbor = require "skynet.harbor"
local datacenter = require "skynet.datacenter"
local multicast = require "skynet.multicast"

local function calls(server)
	check.equal(skynet.harbor(server), 1)
	check.results({ "hello", 1, { 2 } }, skynet.call("SRV1", "lua", "echo", "hello", 1, { 2 }))
	check.results({ "by address" }, skynet.call(server, "lua", "echo", "by address"))
	check.equal(pcall(skynet.call, server, "lua", "fail"), false)
	check.equal(pcall(skynet.call, 0x01ffffff, "lua", "echo"), false)
	check.equal(skynet.call(server, "lua", "size", string.rep("x", 1 << 20)), 1 << 20)
	check.equal(#skynet.call(server, "lua", "echo", string.rep("y", 300000)), 300000)
end

local function sends(server)
	for index = 1, 100 do
		skynet.send(index % 2 == 0 and "SRV1" or server, "lua", "push", index)
	end
	local pushed = check.eventually(function()
		local pushed = skynet.call(server, "lua", "pushed")
		return #pushed == 100 and pushed
	end, "100 messages arrive")
	for index = 1, 100 do
		check.equal(pushed[index][1], index)
	end
end

local function shared_data()
	check.equal(datacenter.get "from", "one")
	datacenter.set("to", "two")
	check.equal(datacenter.get "to", "two")
end

local function channels(server)
	local got
	local channel = multicast.new {
		dispatch = function(_, source, ...)
			got = { source, ... }
		end,
	}
	channel:subscribe()
	skynet.call(server, "lua", "publish", channel.channel, "from afar", 5)
	check.eventually(function()
		return got
	end, "the message of the channel arrives")
	check.same(got, { server, "from afar", 5 })
	channel:delete()
end

local function links()
	harbor.connect(1)
	check.equal(harbor.queryname ".launcher", skynet.localname ".launcher")
	-- Returns at once: there is no such node.
	harbor.link(77)
end

check.main(function()
	local server = harbor.queryname "SRV1"
	calls(server)
	sends(server)
	shared_data()
	channels(server)
	links()
end)
