-- The console lives with an empty input.
--! differs: the reference cannot poll /dev/null

local check = require "check"
local skynet = require "skynet"

check.main(function()
	local console = skynet.newservice "console"
	skynet.call(console, "debug", "PING")
	check.equal(skynet.call(".launcher", "lua", "LIST")[skynet.address(console)], "snlua console")
end)
