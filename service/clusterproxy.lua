-- Stands for one service of another node: what is sent to this address goes there.
--
-- `clusterproxy NODE NAME`. The messages pass as they are, without being unpacked.

local skynet = require "skynet"
require "skynet.manager"
local cluster = require "skynet.cluster"

local node, name = ...
local address = math.tointeger(tonumber(name)) or name

skynet.register_protocol {
	name = "system",
	id = skynet.PTYPE_SYSTEM,
	unpack = function(...)
		return ...
	end,
}

-- What arrives as these kinds is handled as "system" here, and not freed; nor are the answers.
local PASS <const> = {
	[skynet.PTYPE_LUA] = skynet.PTYPE_SYSTEM,
	[skynet.PTYPE_SNAX] = skynet.PTYPE_SYSTEM,
	[skynet.PTYPE_RESPONSE] = skynet.PTYPE_RESPONSE,
}

skynet.forward_type(PASS, function()
	local sender = assert(cluster.get_sender(node), string.format("node %s cannot be reached", node))
	skynet.dispatch("system", function(session, _, msg, size)
		if session == 0 then
			skynet.send(sender, "lua", "push", address, msg, size)
		else
			skynet.ret(skynet.rawcall(sender, "lua", skynet.pack("req", address, msg, size)))
		end
	end)
end)
