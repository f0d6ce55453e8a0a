-- A start service that fails leaves the system services running.
--! config: start = "no_such_service"
--! config: bootstrap = "snlua boot_failure"
--! log: lua loader error : *
--! log: the node lives

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

skynet.start(function()
	assert(skynet.launch("snlua", "bootstrap"))
	local failed = "lua loader error : [^\n]*cannot open [^\n]*no_such_service"
	check.eventually(function()
		return skynet.localname ".service" and check.log():find(failed)
	end, "the failure")
	check.eventually(function()
		return check.log():find "%[:00000003%] KILL self"
	end, "the end of bootstrap")
	check.equal(type(skynet.call(".launcher", "lua", "LIST")), "table")
	skynet.error "the node lives"
	check.log()
	print "PASS"
	io.stdout:flush()
	skynet.abort()
end)
