-- What counts as silence: not that of this node. A peer that was silent has to show a sign of life
-- within the time to connect, when that is shorter than the patience with a link that is up.
--! differs: the reference has no signs of life
--! config: cluster_heartbeat = 0.5
--! config: cluster_connect_timeout = 1

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local socket = require "skynet.socket"
local peer = require "module.cluster_peer"

-- Calls until it fails in this way: on a loaded machine a connection may take too long as well.
local function fails_with(pattern)
	check.eventually(function()
		local ok, text = pcall(cluster.call, "mute", "@any")
		check.equal(ok, false)
		return string.find(text, pattern)
	end, pattern)
end

-- The service with the link does not look for what has come until the answer is behind its clock.
local function this_node_stands_still()
	local listener = peer.listen("alive", function(fd)
		for packet in peer.read, fd do
			if string.sub(packet, 1, 5) == "\0\0\0\0\0" then
				peer.write(fd, peer.split(packet) .. "\0name not found")
			else
				skynet.timeout(100, function()
					peer.write(fd, peer.split(packet) .. "\1" .. skynet.packstring "answer")
				end)
			end
		end
	end)
	-- Not at the first time when the machine stands still by itself.
	check.eventually(function()
		local sender = cluster.get_sender "alive"
		if not sender then
			return false
		end
		local call = check.background(cluster.call, "alive", "@any")
		skynet.call(sender, "debug", "RUN", [[
			local skynet = require "skynet"
			local over = skynet.hpc() + 2000000000
			while skynet.hpc() < over do
			end
		]])
		return (check.outcome(call))
	end, "the answer that came meanwhile counts")
	socket.close(listener)
end

check.main(function()
	this_node_stands_still()
	peer.listen("mute", function() end)
	fails_with "node mute .*: no sign of life for "
	fails_with "node mute .*: no sign of life after 1 s$"
end)
