-- Services that die in the middle of a call, on either side.

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "dies" then
	check.serve {
		exit = function()
			skynet.exit()
		end,
	}
	return
end

if mode == "slow" then
	local last
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, what)
			if what == "last" then
				return skynet.retpack(last)
			elseif what == "go" then
				skynet.wakeup "go"
				return skynet.ret()
			end
			skynet.wait "go"
			last = skynet.ret(skynet.pack "too late")
		end)
	end)
	return
end

if mode == "caller" then
	check.serve {
		call = function(address)
			skynet.fork(skynet.call, address, "lua", "block")
		end,
		exit = skynet.exit,
	}
	return
end

check.main(function()
	check.raises("call failed", skynet.call, check.helper "dies", "lua", "exit")
	local slow, caller = check.helper "slow", check.helper "caller"
	skynet.call(caller, "lua", "call", slow)
	check.eventually(function()
		return skynet.call(slow, "debug", "STAT").task == 1
	end, "the call is taken")
	skynet.send(caller, "lua", "exit")
	check.eventually(function() return skynet.send(caller, "lua", "exit") == nil end, "exit")
	skynet.call(slow, "lua", "go")
	check.equal(skynet.call(slow, "lua", "last"), false)
end)
