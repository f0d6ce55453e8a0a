-- The functions of `skynet` that few services use; `skynet` takes them from here at first use.

local skynet = require "skynet"

local api = {
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
		skynet.retpack(f(...))
	end)
end

-- The most sessions that one entry of uniqtask lists.
local SESSIONS_LISTED = 9

local function entry(sessions)
	table.sort(sessions)
	local count = #sessions
	local listed = table.concat(sessions, ",", 1, math.min(count, SESSIONS_LISTED))
	local more = count > SESSIONS_LISTED + 1 and "..." or ""
	return string.format("%d\tsessions:[%s%s]\n", count, listed, more)
end

-- As skynet.task(table), with tasks that stand at the same place merged.
function api.uniqtask()
	local tasks, groups, result = {}, {}, {}
	skynet.task(tasks)
	for key, stack in pairs(tasks) do
		groups[stack] = groups[stack] or {}
		table.insert(groups[stack], tonumber(string.match(key, "session: (%d+)")))
	end
	for stack, sessions in pairs(groups) do
		result[entry(sessions)] = stack
	end
	return result
end

return api
