-- Unique services of this node (`.service`) and, on the master, of the whole network (`SERVICE`).

local skynet = require "skynet"
require "skynet.manager"

-- key -> address (number), error (string), or an entry: { launcher = ..., waiting tasks... }.
-- A task is { co = coroutine, session = session, source = address } of the request it serves.
local states = {}

-- Addresses of the managers of the other nodes; filled on the master only.
local managers = {}

local command = {}

local function this_task()
	local session, source = skynet.context()
	return { co = coroutine.running(), session = session, source = source }
end

-- `@name` is the global instance of `name`; services made with snax have their own key each.
local function key_of(name, sub)
	if string.match(name, "^@?(.*)") == "snaxd" then
		return name .. "." .. sub
	end
	return name
end

local function entry_of(key)
	local entry = states[key]
	if entry == nil then
		entry = {}
		states[key] = entry
	end
	return entry
end

-- The result of a key whose launch is over.
local function result_of(state)
	if type(state) == "string" then
		error(state, 0)
	end
	return state
end

local function wait(key)
	local entry = entry_of(key)
	if type(entry) ~= "table" then
		return result_of(entry)
	end
	local task = this_task()
	entry[#entry + 1] = task
	repeat
		skynet.wait(task.co)
	until entry.done
	return assert(result_of(entry.result))
end

-- Launches the service of a key; everybody who asks meanwhile gets the same result. A service that
-- exited before it was up leaves no trace, an error stays.
local function once(key, f, ...)
	local entry = entry_of(key)
	if type(entry) ~= "table" or entry.launcher then
		return wait(key)
	end
	entry.launcher = this_task()
	local ok, result = pcall(f, ...)
	entry.result = ok and result or not ok and tostring(result) or nil
	entry.done = true
	states[key] = entry.result
	for _, task in ipairs(entry) do
		skynet.wakeup(task.co)
	end
	return result_of(entry.result)
end

local function launch(name, ...)
	local file = string.match(name, "^@?(.*)")
	if file == "snaxd" then
		return require "skynet.snax".rawnewservice(...)
	end
	return skynet.newservice(file, ...)
end

function command.LAUNCH(name, ...)
	return once(key_of(name, (...)), launch, name, ...)
end

function command.QUERY(name, sub)
	return wait(key_of(name, sub))
end

local function launching(entry)
	local lines = {}
	local task = entry.launcher
	if task then
		local session = skynet.task(task.co)
		local address = session and skynet.call(".launcher", "lua", "QUERY", session)
		if address then
			table.insert(lines, "Init as " .. skynet.address(address))
			table.insert(lines, skynet.call(address, "debug", "TASK", "init"))
		end
		table.insert(lines, "Launching from " .. skynet.address(task.source))
		table.insert(lines, skynet.call(task.source, "debug", "TASK", task.session))
	end
	if #entry > 0 then
		table.insert(lines, "Querying:")
		for _, waiting in ipairs(entry) do
			local stack = skynet.call(waiting.source, "debug", "TASK", waiting.session)
			table.insert(lines, skynet.address(waiting.source) .. " " .. tostring(stack))
		end
	end
	return table.concat(lines, "\n")
end

local function list_here()
	local list = {}
	for key, state in pairs(states) do
		if type(state) == "number" then
			list[key] = skynet.address(state)
		elseif type(state) == "string" then
			list[key] = "Error: " .. state
		else
			list[key] = state
		end
	end
	-- The questions below block, so the walk over the states must be over.
	for key, text in pairs(list) do
		if type(text) == "table" then
			list[key] = launching(text)
		end
	end
	return list
end

local function list_everywhere()
	local list = list_here()
	for _, manager in ipairs(managers) do
		local suffix = "@" .. skynet.harbor(manager)
		local ok, others = pcall(skynet.call, manager, "lua", "LIST")
		for key, text in pairs(ok and others or {}) do
			list[key .. suffix] = text
		end
	end
	return list
end

local function serve_network()
	function command.GLAUNCH(name, ...)
		return command.LAUNCH("@" .. name, ...)
	end

	function command.GQUERY(name, ...)
		return command.QUERY("@" .. name, ...)
	end

	function command.REPORT(manager)
		table.insert(managers, manager)
	end

	command.LIST = list_everywhere
	skynet.register "SERVICE"
end

-- Asks the master, which answers like this service (a value, or nil and an error), and remembers
-- the outcome.
local function ask_master(question, name, ...)
	local global = "@" .. name
	local key = key_of(global, (...))
	if states[key] == nil then
		local result, err = skynet.call("SERVICE", "lua", question, global, ...)
		states[key] = result or err
	end
	return result_of(states[key])
end

local function follow_master()
	function command.GLAUNCH(...)
		return ask_master("LAUNCH", ...)
	end

	function command.GQUERY(...)
		return ask_master("QUERY", ...)
	end

	command.LIST = list_here
	skynet.call("SERVICE", "lua", "REPORT", skynet.self())
end

skynet.dispatch("lua", function(_, _, name, ...)
	local f = command[name]
	if not f then
		return skynet.retpack(nil, "Invalid command " .. tostring(name))
	end
	local ok, result = pcall(f, ...)
	if ok then
		skynet.retpack(result)
	else
		skynet.retpack(nil, result)
	end
end)

skynet.start(function()
	local other = skynet.localname ".service"
	if other then
		skynet.error(".service is registered already by " .. skynet.address(other))
		skynet.exit()
	end
	skynet.register ".service"
	if skynet.getenv "standalone" then
		serve_network()
	else
		follow_master()
	end
end)
