-- skynet.forward_type: a proxy that passes requests and answers on without unpacking them.

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode, target = ...

if mode == "proxy" then
	target = tonumber(target)
	skynet.register_protocol {
		name = "system",
		id = skynet.PTYPE_SYSTEM,
		unpack = function(...) return ... end,
	}
	local forwarded = 0
	local map = {
		[skynet.PTYPE_LUA] = skynet.PTYPE_SYSTEM,
		[skynet.PTYPE_RESPONSE] = skynet.PTYPE_RESPONSE,
	}
	skynet.forward_type(map, function()
		skynet.dispatch("system", function(session, _, msg, sz)
			forwarded = forwarded + 1
			if session == 0 then
				skynet.redirect(target, 0, "lua", 0, msg, sz)
			else
				skynet.ret(skynet.rawcall(target, "lua", msg, sz))
			end
		end)
		skynet.info_func(function(...) return forwarded, ... end)
	end)
	return
end

check.main(function()
	local echo = skynet.newservice "echo"
	local proxy = check.helper("proxy", echo)
	local long = string.rep("x", 100000)
	for i = 1, 100 do
		check.results({ i, { long } }, skynet.call(proxy, "lua", i, { long }))
	end
	skynet.send(proxy, "lua", "one way")
	check.equal(skynet.call(proxy, "debug", "INFO"), 101)
	check.raises_like("call failed", skynet.call, check.helper("proxy", 0xfffff0), "lua", 1)
end)
