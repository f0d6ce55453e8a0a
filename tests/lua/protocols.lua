-- register_protocol, dispatch and the protocols that every service has.

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "echo" then
	skynet.register_protocol {
		name = "shout",
		id = 100,
		pack = function(text) return text end,
		unpack = function(msg, sz) return string.upper(skynet.tostring(msg, sz)), sz end,
		dispatch = function(session, source, text, size)
			skynet.ret(table.concat({ text, size, source, session > 0 and "call" or "send" }, " "))
		end,
	}
	skynet.start(function() end)
	return
end

check.main(function()
	local ids = {
		TEXT = 0, RESPONSE = 1, MULTICAST = 2, CLIENT = 3, SYSTEM = 4, HARBOR = 5, SOCKET = 6,
		ERROR = 7, QUEUE = 8, DEBUG = 9, LUA = 10, SNAX = 11, TRACE = 12,
	}
	for name, id in pairs(ids) do
		check.equal(skynet["PTYPE_" .. name], id, name)
	end
	check.equal(skynet._proto.lua.id, 10)
	check.equal(skynet._proto[10], skynet._proto.lua)
	check.equal(skynet._proto.response.id, 1)
	check.equal(skynet._proto.error.id, 7)
	check.equal(skynet._proto.debug.id, 9)
	check.step "constants and built-in protocols"

	local class = {
		name = "shout",
		id = 100,
		pack = function(text) return text end,
		unpack = skynet.tostring,
	}
	skynet.register_protocol(class)
	check.equal(skynet._proto.shout, class)
	check.raises("assertion failed!", skynet.register_protocol, class)
	check.raises("assertion failed!", skynet.register_protocol, { name = "shout", id = 101 })
	check.raises("assertion failed!", skynet.register_protocol, { name = "other", id = 100 })
	check.raises("assertion failed!", skynet.register_protocol, { name = "other", id = 256 })
	check.raises("assertion failed!", skynet.register_protocol, { name = "other", id = -1 })
	check.raises("assertion failed!", skynet.register_protocol, { name = 5, id = 101 })
	check.raises("assertion failed!", skynet.register_protocol, { name = "other", id = "x" })
	check.step "registration"

	local peer = check.helper "echo"
	local self = tostring(skynet.self())
	check.results({ "HELLO 5 " .. self .. " call" },
		skynet.call(peer, "shout", "hello"))
	class.unpack = function(msg, sz) return sz end
	check.equal(skynet.call(peer, "shout", "hello"), 13 + #self)
	check.step "own pack and unpack; the table is kept, not copied"

	check.equal(skynet.dispatch "shout", nil)
	check.equal(skynet.dispatch "no such protocol", nil)
	local function one() end
	local function two() end
	check.equal(skynet.dispatch("shout", one), nil)
	check.equal(skynet.dispatch "shout", one)
	check.equal(skynet.dispatch("shout", two), one)
	check.equal(skynet.dispatch "shout", two)
	check.raises_like("index", skynet.dispatch, "no such protocol", one)
	check.equal(type(skynet.dispatch_unknown_request(one)), "function")
	check.equal(skynet.dispatch_unknown_request(two), one)
	check.equal(type(skynet.dispatch_unknown_response(one)), "function")
	check.equal(skynet.dispatch_unknown_response(two), one)
	check.raises("assertion failed!", skynet.traceproto, "no such protocol", true)
	check.step "dispatch returns what it replaces"
end)
