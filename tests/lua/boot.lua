-- The boot of a node without a network: who is started, with what address, and that the node lives
-- on when the first service is done.
--! log: [:00000002] LAUNCH snlua bootstrap
--! log: [:00000003] LAUNCH snlua launcher
--! log: [:00000004] LAUNCH snlua cdummy
--! log: [:00000005] LAUNCH harbor 0 4
--! log: [:00000006] LAUNCH snlua datacenterd
--! log: [:00000007] LAUNCH snlua service_mgr
--! log: [:00000008] LAUNCH snlua boot
--! log: [:00000009] the last one

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode = ...

if mode == "later" then
	skynet.start(function()
		skynet.fork(function()
			check.eventually(function()
				local log = check.log()
				return log:find "%[:00000002%] KILL self" and log:find "%[:00000008%] KILL self"
			end, "bootstrap and the start service are gone")
			skynet.error "the last one"
			check.log()
			print "PASS"
			io.stdout:flush()
			skynet.abort()
		end)
	end)
	return
end

skynet.start(function()
	check.equal(skynet.self(), 8)
	check.equal(skynet.localname ".launcher", 3)
	check.equal(skynet.localname ".cslave", 4)
	check.equal(skynet.localname ".service", 7)
	check.helper "later"
	skynet.exit()
end)
