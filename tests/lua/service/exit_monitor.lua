-- An exit monitor: tells the watchers of a service when it is gone.

local skynet = require "skynet"

local dead, watchers, odd = {}, {}, {}

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = function(_, sz)
		return sz
	end,
	dispatch = function(session, address, size)
		if session ~= 0 or size ~= 0 then
			table.insert(odd, { session, address, size })
		end
		dead[address] = true
		for _, watcher in ipairs(watchers[address] or {}) do
			skynet.redirect(watcher, address, "error", 0, "")
		end
	end,
}

local command = {}

function command.WATCH(source, service)
	if dead[service] then
		return false
	end
	watchers[service] = watchers[service] or {}
	table.insert(watchers[service], source)
	return true
end

function command.DEAD(_, service)
	return dead[service]
end

function command.ODD()
	return odd
end

skynet.start(function()
	skynet.dispatch("lua", function(_, source, name, ...)
		skynet.retpack(command[name](source, ...))
	end)
end)
