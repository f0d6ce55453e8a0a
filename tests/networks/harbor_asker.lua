-- Harbor 1: asks a service of harbor 9, which the test plays, and says what becomes of it.

local skynet = require "skynet"
require "skynet.manager"
local harbor = require "skynet.harbor"

local SERVICE <const> = 0x09000001

-- More than are remembered one by one.
local MANY <const> = 5000

local function say(what, ...)
	skynet.error(what, pcall(skynet.call, SERVICE, "lua", ...))
end

local function ask_in_vain()
	local left = MANY
	for number = 1, MANY do
		skynet.fork(function()
			pcall(skynet.call_timeout, 1, SERVICE, "lua", number)
			left = left - 1
		end)
	end
	repeat
		skynet.sleep(1)
	until left == 0
	skynet.error "GIVEN UP"
end

skynet.start(function()
	-- Nobody is there yet: what is given up is never sent.
	pcall(skynet.call_timeout, 1, SERVICE, "lua", "early")
	pcall(skynet.call_timeout, 1, "LATER", "lua", "early")
	skynet.send(SERVICE, "lua", "first")
	skynet.send("LATER", "lua", "named")
	skynet.error "READY"
	harbor.connect(9)
	say("ANSWER", "fail")
	say("LONG", string.rep("x", 1 << 24))
	ask_in_vain()
	say("LOST", "hang")
	say("LATE", "hang")
end)
