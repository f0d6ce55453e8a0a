-- The console command `debug`: passes what the user types to a debugger inside of a service, which
-- writes its answers to the client's socket by itself. Used by skynet.console.commands.

local skynet = require "skynet"

local LINE_BYTES_MAX = 64 * 1024

-- Forwards lines to the agent until it has ended, the user says `cont`, or the client closes.
local function forward(connection, agent, session)
	while not session.done do
		local line = connection.reader:before("\n", LINE_BYTES_MAX) or "cont"
		line = line:gsub("\r$", "")
		if session.done or not pcall(skynet.call, agent, "lua", "ping") then
			return
		end
		skynet.send(agent, "lua", "cmd", line)
		if line == "cont" then
			return
		end
	end
end

return function(connection, address)
	local agent = skynet.newservice "debug_agent"
	local session = {}
	skynet.fork(function()
		session.ok, session.problem = pcall(skynet.call, agent, "lua", "start", address, connection.fd)
		session.done = true
		skynet.wakeup(session)
	end)
	skynet.sleep(1, session)
	forward(connection, agent, session)
	if not session.done then
		skynet.wait(session)
	end
	if not session.ok then
		error(session.problem, 0)
	elseif session.problem ~= true then
		error(tostring(session.problem), 0)
	end
end
