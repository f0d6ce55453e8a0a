-- The dispatcher itself fails before a handler exists: the requester is told, what was forked
-- runs, the service goes on.
--! differs: the caller hangs there
--! log: *fork of unpack
--! log: *cannot unpack
--! log: *fork of the filter
--! log: *refused by the filter

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode = ...

if mode == "picky" then
	skynet.register_protocol {
		name = "picky",
		id = 100,
		unpack = function(msg, sz)
			skynet.fork(skynet.error, "fork of unpack")
			error("cannot unpack " .. skynet.tostring(msg, sz))
		end,
		dispatch = function() end,
	}
	check.serve { fine = function() return "fine" end }
	return
end

if mode == "filtered" then
	skynet.filter(function(kind, ...)
		if kind == 100 then
			skynet.fork(skynet.error, "fork of the filter")
			error "refused by the filter"
		end
		return kind, ...
	end, function()
		skynet.dispatch("lua", function(_, _, ...)
			skynet.retpack(...)
		end)
	end)
	return
end

check.main(function()
	skynet.register_protocol { name = "picky", id = 100, pack = skynet.packstring }
	for _, name in ipairs { "picky", "filtered" } do
		local service = check.helper(name)
		check.raises("call failed", skynet.call, service, "picky", "x")
		skynet.send(service, "picky", "x")
		check.equal(skynet.call(service, "lua", "fine"), "fine")
	end
end)
