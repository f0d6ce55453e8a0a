-- A log service written in Lua: gets every line with its writer, and SIGHUP.
--! config: logservice = "snlua"
--! config: logger = "lua_logger @DIR@/node.log"

local check = require "check"
local skynet = require "skynet"

local path = skynet.getenv("logger"):match "%S+$"

local function lines()
	local file = io.open(path)
	local text = file and file:read "a" or ""
	if file then
		file:close()
	end
	return text
end

skynet.start(function()
	skynet.error "a line for the Lua logger"
	check.eventually(function()
		return lines():find("8 a line for the Lua logger\n", 1, true)
	end, "the line")
	check.match(lines(), "^2 LAUNCH snlua bootstrap\n")
	check.equal(skynet.localname ".logger", 1)
	check.equal(skynet.call(".launcher", "lua", "LIST")[":00000001"], nil)
	os.execute "kill -HUP $PPID"
	check.eventually(function()
		return lines():find("hangup 0 0\n", 1, true)
	end, "SIGHUP")
	print "PASS"
	io.stdout:flush()
	require("skynet.core").command "ABORT"
end)
