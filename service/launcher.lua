-- Creates services on request and answers when they are up (or failed); keeps the list of them.

local skynet = require "skynet"
local core = require "skynet.core"
require "skynet.manager"

-- address -> "<module> <arguments>"
local services = {}

-- address -> { respond = response closure, session = of the request } until the service reports.
local launching = {}

-- Returned by commands that answer later, or never.
local NO_ANSWER = {}

local command = {}

-- Ends the launch of `address`: failed, or with the result.
local function finish(address, ok, ...)
	local launch = launching[address]
	if launch then
		launching[address] = nil
		launch.respond(ok, ...)
	end
end

-- Joins the words up to the first nil.
local function join(...)
	local words = { ... }
	local count = 0
	while words[count + 1] ~= nil do
		count = count + 1
	end
	return table.concat(words, " ", 1, count)
end

local function launch(...)
	local line = join(...)
	local address = skynet.launch(line)
	local session = skynet.context()
	local respond = skynet.response()
	if not address then
		respond(false)
		return
	end
	services[address] = line
	launching[address] = { respond = respond, session = session }
	return address
end

function command.LAUNCH(_, ...)
	launch(...)
	return NO_ANSWER
end

function command.LOGLAUNCH(_, ...)
	local address = launch(...)
	if address then
		core.command("LOGON", skynet.address(address))
	end
	return NO_ANSWER
end

function command.LAUNCHOK(address)
	finish(address, true, address)
	return NO_ANSWER
end

function command.ERROR(address)
	services[address] = nil
	finish(address, false)
	return NO_ANSWER
end

function command.REMOVE(_, address, killed)
	services[address] = nil
	finish(address, not killed)
	return NO_ANSWER
end

function command.LIST()
	local list = {}
	for address, line in pairs(services) do
		list[skynet.address(address)] = line
	end
	return list
end

-- Asks all services at once; `show` makes the entry of a service from an answer or a problem.
local function ask_all(timeout, question, show)
	local requests = skynet.request()
	local answers = {}
	for address, line in pairs(services) do
		requests:add { address, "debug", question, line = line }
		answers[skynet.address(address)] = show("TIMEOUT", line)
	end
	for request, answer in requests:select(timeout) do
		local entry = answer and answer[1] or "ERROR"
		answers[skynet.address(request[1])] = show(entry, request.line)
	end
	return answers
end

function command.STAT(_, timeout)
	return ask_all(timeout, "STAT", function(entry)
		return entry
	end)
end

function command.MEM(_, timeout)
	return ask_all(timeout, "MEM", function(entry, line)
		if type(entry) == "number" then
			entry = string.format("%.2f Kb", entry)
		end
		return string.format("%s (%s)", entry, line)
	end)
end

function command.GC(_, timeout)
	for address in pairs(services) do
		skynet.send(address, "debug", "GC")
	end
	return command.MEM(nil, timeout)
end

function command.KILL(_, address)
	local line = services[address]
	skynet.kill(address)
	services[address] = nil
	return { [skynet.address(address)] = tostring(line) }
end

-- The service that is being launched for the request with this session.
function command.QUERY(_, session)
	for address, launch in pairs(launching) do
		if launch.session == session then
			return address
		end
	end
end

-- Native services, and the host of a Lua service whose main chunk failed, report in plain text.
skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	unpack = skynet.tostring,
	dispatch = function(_, address, text)
		if text == nil or text == "" then
			command.LAUNCHOK(address)
		elseif text == "ERROR" then
			command.ERROR(address)
		else
			error("Invalid text command " .. text)
		end
	end,
}

skynet.dispatch("lua", function(_, address, name, ...)
	local f = command[string.upper(name)]
	if not f then
		return skynet.retpack { "Unknown command" }
	end
	local result = f(address, ...)
	if result ~= NO_ANSWER then
		skynet.retpack(result)
	end
end)

skynet.start(function() end)
