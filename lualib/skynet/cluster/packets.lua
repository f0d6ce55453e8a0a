-- Cuts what arrives on the sockets of a service into packets. The function of this module takes a
-- table of handlers, by what `skynet.netpack` says: data(id, packet, size), init(id), close(id),
-- error(id, text); and more(next, queue), for several packets at once, which
-- `for id, packet, size in next, queue do` gives one by one.

local skynet = require "skynet"
local netpack = require "skynet.netpack"
local tls = require "skynet.cluster.tls"

if tls.on then
	return tls.packets
end

return function(handlers)
	local queue
	skynet.register_protocol {
		name = "socket",
		id = skynet.PTYPE_SOCKET,
		unpack = function(msg, size)
			return netpack.filter(queue, msg, size)
		end,
		dispatch = function(_, _, rest, kind, ...)
			queue = rest
			if kind == "more" then
				handlers.more(netpack.pop, rest)
			elseif handlers[kind] then
				handlers[kind](...)
			end
		end,
	}
end
