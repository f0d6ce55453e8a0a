-- profile = false turns the accounting of processor time off.
--! config: profile = false

local check = require "check"
local skynet = require "skynet"

check.main(function()
	skynet.yield()
	check.equal(skynet.stat "cpu", 0.0)
	check.equal(skynet.stat "time", 0)
	check.ok(skynet.stat "message" > 0)
end)
