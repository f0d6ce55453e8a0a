-- A killed task leaves its critical section.
--! differs: the reference leaves the section locked for ever

local check = require "check"
local skynet = require "skynet"
local queue = require "skynet.queue"

check.main(function()
	local cs = queue()
	local events = check.transcript()
	local holder = skynet.fork(cs, skynet.wait, "never")
	skynet.yield()
	local first = skynet.fork(cs, events, "first")
	skynet.fork(cs, events, "second")
	skynet.yield()
	events:equal ""
	check.equal(skynet.killthread(first), first)
	check.equal(skynet.killthread(holder), holder)
	events:wait(1)
	events:equal "second"
	check.equal(cs(function() return "free" end), "free")

	-- Killed between the hand-over and its turn.
	holder = skynet.fork(cs, skynet.wait, "release")
	skynet.yield()
	first = skynet.fork(cs, events, "first")
	skynet.fork(cs, events, "third")
	skynet.yield()
	skynet.wakeup "release"
	skynet.fork(skynet.killthread, first)
	events:wait(2)
	check.equal(events[#events], "third")
end)
