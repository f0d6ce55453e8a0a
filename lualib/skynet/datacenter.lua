-- A tree of values that all nodes share; the service DATACENTER holds it.

local skynet = require "skynet"

local function ask(...)
	return skynet.call("DATACENTER", "lua", ...)
end

return {
	get = function(...)
		return ask("QUERY", ...)
	end,
	set = function(...)
		return ask("UPDATE", ...)
	end,
	wait = function(...)
		return ask("WAIT", ...)
	end,
}
