-- The node that `wires.rs` attacks: a member of a cluster, and the master of a network of harbors.

local skynet = require "skynet"
local cluster = require "skynet.cluster"

local commands = {}

-- Calls the peer that the attacker plays.
function commands.call_peer()
	return (pcall(cluster.call_timeout, 1000, "peer", "@any", "x"))
end

skynet.start(function()
	skynet.dispatch("lua", function(session, _, name)
		local f = commands[name]
		if session ~= 0 then
			skynet.retpack(f and f())
		end
	end)
	cluster.register "wires"
	cluster.reload { own = skynet.getenv "own", peer = skynet.getenv "peer" }
	cluster.open "own"
end)
