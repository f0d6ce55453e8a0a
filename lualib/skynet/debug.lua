-- The debug protocol, which every Lua service answers; loaded at its first message.

local skynet = require "skynet"

local commands = {}

local M = {}

function M.dispatch(_, _, command, ...)
	local f = commands[command] or require "skynet.lazy.debugcmd"[command]
	if not f then
		error(tostring(command), 0)
	end
	f(...)
end

-- Adds a command to this service; f(...) answers itself.
function M.reg_debugcmd(name, f)
	commands[name] = f
end

function commands.MEM()
	skynet.retpack((collectgarbage "count"))
end

function commands.PING()
	skynet.ret()
end

local collecting = false

-- Requests that arrive while one is served need no collection of their own.
function commands.GC()
	if collecting then
		return
	end
	collecting = true
	local before, start = collectgarbage "count", skynet.now()
	require("skynet.memory").trim()
	collectgarbage()
	local after, cost = collectgarbage "count", (skynet.now() - start) / 100
	skynet.error(string.format("GC %.2f Kb -> %.2f Kb, cost %.2f sec", before, after, cost))
	skynet.yield()
	collecting = false
end

function commands.STAT()
	skynet.retpack {
		task = skynet.task(),
		mqlen = skynet.stat "mqlen",
		cpu = skynet.stat "cpu",
		message = skynet.stat "message",
	}
end

return M
