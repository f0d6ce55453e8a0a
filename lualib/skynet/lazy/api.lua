-- The functions of `skynet` that few services use; `skynet` takes them from here at first use.

local skynet = require "skynet"
local internal = require "skynet.native.internal"

local api = {
	init = require "skynet.require".init,
	request = require "skynet.lazy.request",
	pcall = pcall,
}

function api.newservice(name, ...)
	return skynet.call(".launcher", "lua", "LAUNCH", "snlua", name, ...)
end

local function unique(command, ...)
	local address, err = skynet.call(".service", "lua", command, ...)
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

-- The host takes the limit from the registry when the main chunk is done: once, and not later.
function api.memlimit(bytes)
	debug.getregistry().memlimit = bytes
	skynet.memlimit = nil
	api.memlimit = nil
end

-- Sets the function that answers the debug command INFO.
function api.info_func(f)
	require "skynet.debug".reg_debugcmd("INFO", function(...)
		skynet.retpack((f(...)))
	end)
end

-- The most sessions that one entry of uniqtask lists.
local SESSIONS_LISTED = 9

function api.uniqtask()
	local groups = {}
	for _, task in ipairs(internal.tasks()) do
		local thread, session = task[1], task[2]
		local stack = session == "BREAK" and debug.traceback(thread) or skynet.task(session)
		local group = groups[stack]
		if not group then
			group = { count = 0 }
			groups[stack] = group
		end
		group.count = group.count + 1
		if group.count <= SESSIONS_LISTED then
			group[group.count] = session
		end
	end
	local result = {}
	for stack, group in pairs(groups) do
		local more = group.count > SESSIONS_LISTED + 1 and "..." or ""
		local sessions = table.concat(group, ",") .. more
		result[string.format("%d\tsessions:[%s]\n", group.count, sessions)] = stack
	end
	return result
end

return api
