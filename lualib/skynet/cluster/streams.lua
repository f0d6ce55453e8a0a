-- What arrives on the sockets of a service, as plain text if there is TLS. The function of this module
-- takes a table of handlers: data(id, text, ended), where `ended` says that the peer sends nothing
-- more; close(id), error(id, text); and, if they are wanted, init(id, text) and warning(id, kib).

local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local netpack = require "skynet.netpack"
local tls = require "skynet.cluster.tls"

local DATA <const>, CONNECT <const>, CLOSE <const>, ERROR <const>, WARNING <const> = 1, 2, 3, 5, 7

local EVENTS <const> = { [CONNECT] = "init", [CLOSE] = "close", [ERROR] = "error", [WARNING] = "warning" }

-- Of a connection in plain text.
local function open(_, text)
	return text
end

if tls.on then
	open = tls.open
end

return function(handlers)
	local function deliver(kind, ...)
		if handlers[kind] then
			handlers[kind](...)
		end
	end

	local function data(id, text, ended)
		if text then
			handlers.data(id, text, ended)
		else
			handlers.error(id, ended)
		end
	end

	skynet.register_protocol {
		name = "socket",
		id = skynet.PTYPE_SOCKET,
		unpack = driver.unpack,
		dispatch = function(_, _, what, id, size, block)
			if what == DATA then
				return data(id, open(id, netpack.tostring(block, size)))
			elseif tls.on and (what == CLOSE or what == ERROR) then
				tls.forget(id)
			end
			if EVENTS[what] then
				deliver(EVENTS[what], id, what == WARNING and size or block)
			end
		end,
	}
end
