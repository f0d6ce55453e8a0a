-- The console reads a plain file.
--! stdin file: from_console first\nfrom_console last
--! differs: the reference cannot poll a plain file

local check = require "check"
local skynet = require "skynet"

check.main(function()
	check.ok(skynet.newservice "console")
	check.eventually(function() return skynet.localname ".first" end, "the first line")
	check.eventually(function() return skynet.localname ".last" end, "the line without an end")
end)
