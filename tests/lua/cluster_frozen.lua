-- Links of a cluster to peers that say nothing, not even to signs of life. Spec: cluster section C.7.
--! differs: a silent peer blocks its callers
--! config: cluster_heartbeat = 0.2

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local socket = require "skynet.socket"
local peer = require "module.cluster_peer"

local frame, listen = peer.frame, peer.listen

-- A peer that is connected, but says nothing, not even to signs of life.
local function frozen_peer()
	local listener = listen("frozen", function() end)
	local ok, err = pcall(cluster.call, "frozen", 10, "x")
	check.equal(ok, false)
	check.match(err, "node frozen .*: no sign of life for")
	socket.close(listener)
end

-- A peer that comes back after a silence gets no request before it has shown a sign of life.
local function silent_peer()
	local connections, requests, speaks = 0, 0, false
	local listener = listen("silent_again", function(fd)
		connections = connections + 1
		if connections == 1 then
			return
		end
		for packet in peer.read, fd do
			local session = string.sub(packet, 6, 9)
			if string.sub(packet, 1, 5) ~= "\0\0\0\0\0" then
				requests = requests + 1
				socket.write(fd, frame(session .. "\1" .. skynet.packstring "back"))
			elseif speaks then
				socket.write(fd, frame(session .. "\0name not found"))
			end
		end
	end)
	for _ = 1, 3 do
		local ok, err = pcall(cluster.call, "silent_again", 10, "x")
		check.equal(ok, false)
		check.match(err, "node silent_again .*: no sign of life for")
	end
	check.equal(requests, 0)
	speaks = true
	check.equal(check.eventually(function()
		local ok, answer = pcall(cluster.call, "silent_again", 10, "x")
		return ok and answer
	end, "the peer is trusted again"), "back")
	socket.close(listener)
end

check.main(function()
	frozen_peer()
	silent_peer()
end)
