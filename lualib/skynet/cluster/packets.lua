-- Cuts what arrives on the sockets of a service into packets. The function of this module takes a
-- table of handlers, by what `skynet.netpack` says: data(id, packet, size), init(id), close(id),
-- error(id, text); and more(next, queue), for several packets at once, which
-- `for id, packet, size in next, queue do` gives one by one. It returns a function (id, text) for
-- bytes that were read elsewhere.

local skynet = require "skynet"
local netpack = require "skynet.netpack"
local streams = require "skynet.cluster.streams"
local tls = require "skynet.cluster.tls"

return function(handlers)
	local queue

	local function take(rest, kind, ...)
		queue = rest
		if kind == "more" then
			handlers.more(netpack.pop, rest)
		elseif handlers[kind] then
			handlers[kind](...)
		end
	end

	local function feed(id, text)
		take(netpack.feed(queue, id, text))
	end

	if not tls.on then
		skynet.register_protocol {
			name = "socket",
			id = skynet.PTYPE_SOCKET,
			unpack = function(msg, size)
				return netpack.filter(queue, msg, size)
			end,
			dispatch = function(_, _, ...)
				take(...)
			end,
		}
		return feed
	end

	-- The connection has gone, and its unfinished packet with it.
	local function over(kind, id, text)
		queue = netpack.feed(queue, id)
		handlers[kind](id, text)
	end

	streams {
		data = function(id, text, ended)
			feed(id, text)
			if ended then
				handlers.close(id)
			end
		end,
		init = handlers.init,
		close = function(id)
			over("close", id)
		end,
		error = function(id, text)
			over("error", id, text)
		end,
		warning = handlers.warning,
	}
	return feed
end
