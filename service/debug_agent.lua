-- The debugger's other end: opens a channel into the service to debug, and passes on what the user
-- types. One for each session of the console command `debug`.

local skynet = require "skynet"
local debugchannel = require "skynet.debugchannel"

local channel

local command = {}

-- Answers when the debugger has ended: true, or why there was none.
function command.start(address, fd)
	local ok, err = pcall(function()
		local pointer
		channel, pointer = debugchannel.create()
		skynet.error(string.format("Attach to %s", skynet.address(address)))
		skynet.call(address, "debug", "REMOTEDEBUG", fd, pointer)
	end)
	if ok then
		skynet.retpack(true)
	else
		skynet.error(err)
		skynet.retpack "Debugger attach failed"
	end
	skynet.exit()
end

function command.cmd(line)
	channel:write(line)
end

function command.ping()
	skynet.ret()
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		command[name](...)
	end)
end)
