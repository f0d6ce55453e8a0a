-- The config key cluster_call_limit: requests that nobody answers end on both sides of a link, also
-- those that come through a proxy.
--! differs: the reference has no time limits of calls
--! config: cluster_call_limit = 1

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local socket = require "skynet.socket"
local peer = require "module.cluster_peer"

if ... == "mute" then
	skynet.start(function()
		skynet.dispatch("lua", function(session, _, what)
			if what == "echo" then
				return skynet.retpack(what)
			elseif session ~= 0 then
				skynet.ignoreret()
			end
		end)
	end)
	return
end

local function callers()
	peer.listen("silent", function(fd)
		for _ in peer.read, fd do
		end
	end)
	local pattern = "cluster call to node silent failed: node silent: no answer for %d"
	check.raises_like(pattern, cluster.call, "silent", "@any")
	check.raises_like("call failed", skynet.call, cluster.proxy("silent", "@any"), "lua", "x")
	check.equal(peer.link("silent").timeouts, 2)
	check.equal(peer.link("silent").pending, 0)
end

local function callees()
	local _, port = cluster.open(0)
	cluster.register("mute", check.helper "mute")
	local fd = socket.open("127.0.0.1", port)
	peer.write(fd, peer.request("@mute", 1) .. skynet.packstring "wait")
	check.match(peer.read(fd), "^\1\0\0\0\0.*timed out: no answer of type lua for %d+%.%d+ s")
	-- An answer that takes longer than the limit on a busy machine is no answer.
	check.eventually(function()
		peer.write(fd, peer.request("@mute", 2) .. skynet.packstring "echo")
		return peer.read(fd) == "\2\0\0\0\1" .. skynet.packstring "echo"
	end, "a request is answered in time")
	socket.close(fd)
end

check.main(function()
	callers()
	callees()
end)
