-- The clock of skynet.profile runs while its task runs, and only then.

local check = require "check"
local skynet = require "skynet"
local profile = require "skynet.profile"
local co = require "skynet.coroutine"

local function burn(seconds)
	local last = os.clock() + seconds
	while os.clock() < last do end
end

check.main(function()
	skynet.fork(function()
		for _ = 1, 20 do
			burn(0.01)
			skynet.sleep(1)
		end
	end)
	profile.start()
	skynet.sleep(20)
	local idle = profile.stop()
	check.ok(idle < 0.05, idle)
	check.step "what others burn meanwhile does not count"

	profile.start()
	for _ = 1, 5 do
		burn(0.01)
		skynet.sleep(1)
	end
	local busy = profile.stop()
	check.ok(busy > 0.02 and busy < 1, busy)
	check.step "what it burns between its waits is added up"

	profile.start()
	local inner = co.wrap(function()
		profile.start()
		for _ = 1, 5 do
			burn(0.01)
			skynet.sleep(1)
		end
		return profile.stop(), profile.stop(co.thread())
	end)
	local own, root = inner()
	check.ok(own > 0.02 and root >= own and root < 1, root)
	check.step "coroutines inside have clocks of their own and count for their task"
end)
