-- A task that sleeps 0 for ever starves neither its own service nor others.

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "loop" then
	local rounds = 0
	skynet.start(function()
		skynet.fork(function()
			while true do
				skynet.sleep(0)
				rounds = rounds + 1
			end
		end)
		skynet.dispatch("lua", function()
			skynet.retpack(rounds)
		end)
	end)
	return
end

check.main(function()
	local loops = {}
	for i = 1, 6 do
		loops[i] = check.helper "loop"
	end
	for _, loop in ipairs(loops) do
		local before = skynet.call(loop, "lua")
		check.eventually(function()
			return skynet.call(loop, "lua") > before
		end, "the loop goes on")
	end
	local start = skynet.now()
	skynet.sleep(5)
	check.ok(skynet.now() - start >= 5)
end)
