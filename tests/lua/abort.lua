-- skynet.abort: the current handler runs to its next yield, finalisers run, the status is 0.
--! stdout: still running after abort
--! stdout: finaliser ran

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

KEPT = setmetatable({}, {
	__gc = function()
		print "finaliser ran"
		io.stdout:flush()
	end,
})

skynet.start(function()
	check.equal(skynet.self(), 8)
	print "PASS"
	skynet.abort()
	print "still running after abort"
	skynet.sleep(0)
	print "never printed"
end)
