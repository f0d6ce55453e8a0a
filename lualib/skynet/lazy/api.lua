-- The functions of `skynet` that few services use; `skynet` takes them from here at first use.

local skynet = require "skynet"
local internal = require "skynet.native.internal"
local core = require "skynet.core"

local api = {
	init = require "skynet.require".init,
	pcall = pcall,
}

-- A field that does not exist is looked up here too: the metatable ends the search.

function api.request(...)
	return require "skynet.lazy.request"(...)
end

function api.newservice(name, ...)
	return skynet.call(".launcher", "lua", "LAUNCH", "snlua", name, ...)
end

local function unique(command, name, ...)
	local address, err = skynet.call(".service", "lua", command, name, ...)
	if err then
		error(err, 3)
	end
	return assert(address)
end

function api.uniqueservice(global, ...)
	if global == true then
		return (unique("GLAUNCH", ...))
	end
	return (unique("LAUNCH", global, ...))
end

function api.queryservice(global, ...)
	if global == true then
		return (unique("GQUERY", ...))
	end
	return (unique("QUERY", global, ...))
end

function api.memlimit(bytes)
	debug.getregistry().memlimit = bytes
	skynet.memlimit = nil
end

return api
