-- Services whose code is a function of the caller, one for each name on a node. The unique service
-- `service_provider` keeps the names.

local skynet = require "skynet"

-- name -> address; kept for ever, as the reference does.
local known = {}

local provider

local function ask(...)
	provider = provider or skynet.uniqueservice "service_provider"
	return skynet.call(provider, "lua", ...)
end

-- The code travels as bytecode, so its only upvalue may be _ENV.
local function code_of(f)
	assert(debug.getupvalue(f, 1) == "_ENV")
	assert(debug.getupvalue(f, 2) == nil)
	return string.dump(f)
end

local service = {}

function service.new(name, mainfunc, ...)
	local address, booting = ask("test", name)
	if not address then
		if booting then
			address = ask("query", name)
		else
			address = ask("launch", name, code_of(mainfunc), ...)
		end
	end
	known[name] = address
	return address
end

function service.query(name)
	local address = known[name]
	if not address then
		address = ask("query", name)
		known[name] = address
	end
	return address
end

function service.close(name)
	local address = ask("close", name)
	if not address then
		return false
	end
	known[name] = nil
	require "skynet.manager".kill(address)
	return true
end

return service
