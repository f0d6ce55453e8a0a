-- The debug commands that are used by hand only; skynet.debug takes them from here.

local skynet = require "skynet"

local commands = {}

function commands.TASK(what)
	if what then
		return skynet.retpack(skynet.task(what))
	end
	local tasks = {}
	skynet.task(tasks)
	skynet.retpack(tasks)
end

function commands.UNIQTASK()
	skynet.retpack(skynet.uniqtask())
end

function commands.KILLTASK(pattern)
	local co = skynet.killthread(pattern)
	if co then
		skynet.error("Kill", co)
		skynet.ret()
	else
		skynet.error("Kill", pattern, ": Not found")
		skynet.retpack "Not found"
	end
end

-- The calls of this service that wait for an answer, the oldest first.
function commands.CALLS()
	skynet.retpack(require "skynet.native.internal".calls())
end

-- Stands until skynet.info_func gives a better one.
function commands.INFO()
	skynet.retpack(nil)
end

function commands.EXIT()
	skynet.exit()
end

function commands.RUN(source, filename, ...)
	local inject = require "skynet.inject"
	local roots = { skynet.dispatch_message, skynet.register_protocol }
	local ok, output = inject(skynet, source, filename, table.pack(...), table.unpack(roots))
	skynet.retpack(ok, table.concat(output, "\n"))
	collectgarbage()
end

function commands.TERM(address)
	skynet.term(address)
end

function commands.REMOTEDEBUG(...)
	require "skynet.remotedebug".start({}, ...)
	skynet.ret()
end

function commands.SUPPORT(protocol)
	skynet.retpack(skynet.dispatch(protocol) ~= nil)
end

-- Never answered: the closure fails when this service exits, which tells the caller.
function commands.LINK()
	skynet.response()
end

function commands.TRACELOG(protocol, flag)
	if type(protocol) ~= "string" then
		protocol, flag = "lua", protocol
	end
	skynet.error(string.format("Turn trace log %s for %s", flag, protocol))
	skynet.traceproto(protocol, flag)
	skynet.ret()
end

return commands
