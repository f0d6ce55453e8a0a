-- The console starts services as the lines of a pipe say.
--! stdin: from_console first\n\n   \nno_such_service\nfrom_console last\n
--! log: LAUNCH snlua from_console first
--! log: LAUNCH snlua no_such_service
--! log: LAUNCH snlua from_console last

local check = require "check"
local skynet = require "skynet"

check.main(function()
	local console = skynet.newservice "console"
	check.eventually(function() return skynet.localname ".last" end, "the last line")
	check.equal(skynet.call(".first", "lua", "argument"), "first")
	check.equal(skynet.call(".launcher", "lua", "LIST")[skynet.address(console)], "snlua console")
end)
