-- A peer that was silent has to show a sign of life within the time to connect, when that is shorter
-- than the patience with a link that is up.
--! differs: the reference has no signs of life
--! config: cluster_heartbeat = 0.5
--! config: cluster_connect_timeout = 1

local check = require "check"
local cluster = require "skynet.cluster"
local peer = require "module.cluster_peer"

-- Calls until it fails in this way: on a loaded machine a connection may take too long as well.
local function fails_with(pattern)
	check.eventually(function()
		local ok, text = pcall(cluster.call, "mute", "@any")
		check.equal(ok, false)
		return string.find(text, pattern)
	end, pattern)
end

check.main(function()
	peer.listen("mute", function() end)
	fails_with "node mute .*: no sign of life for "
	fails_with "node mute .*: no sign of life after 1 s$"
end)
