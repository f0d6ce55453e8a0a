-- skynet.filter: every message passes a function first.

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode = ...

if mode == "filtered" then
	local kinds = {}
	local function pass(kind, msg, sz, session, source)
		kinds[kind] = (kinds[kind] or 0) + 1
		if kind == 99 then
			return skynet.PTYPE_LUA, msg, sz, session, source
		end
		return kind, msg, sz, session, source
	end
	skynet.filter(pass, function()
		skynet.sleep(0)
		skynet.dispatch("lua", function(_, _, what)
			skynet.retpack(what, kinds)
		end)
	end)
	return
end

check.main(function()
	local service = check.helper "filtered"
	local what, kinds = skynet.call(service, "lua", "hello")
	check.equal(what, "hello")
	check.equal(kinds[skynet.PTYPE_LUA], 1)
	check.ok(kinds[skynet.PTYPE_RESPONSE] >= 2)
	skynet.register_protocol { name = "other", id = 99, pack = skynet.pack, unpack = skynet.unpack }
	check.equal((skynet.call(service, "other", "mapped")), "mapped")
end)
