-- The services `cmemory` and `dbg`: they print, and end at their start without an error.

local check = require "check"
local skynet = require "skynet"

check.main(function()
	check.equal(skynet.newservice("cmemory"), nil)
	check.equal(skynet.newservice("dbg", "list"), nil)
	check.equal(skynet.newservice("dbg", "stat", "100"), nil)
	check.equal(skynet.newservice("dbg", "nosuch"), nil)
	check.not_logged "error :"
end)
