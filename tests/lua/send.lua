-- Sending: results, forged sources, raw payloads, and the errors of bad arguments.

local check = require "check"
local skynet = require "skynet"
local core = require "skynet.core"

local mode = ...

if mode == "peer" then
	local seen = {}
	skynet.start(function()
		skynet.dispatch("lua", function(session, source, ...)
			if ... == "seen" then
				local list = seen
				seen = {}
				return skynet.retpack(list)
			end
			seen[#seen + 1] = { session, source, table.pack(...) }
			if session > 0 then
				skynet.retpack("answer", ...)
			end
		end)
	end)
	return
end

local DEAD = 0x00fffff0

local function every_function_sends(peer)
	local self = skynet.self()
	check.results({ 0 }, skynet.send(peer, "lua", "send", nil))
	check.results({ 0 }, skynet.send(skynet.address(peer), "lua", "by hex"))
	check.results({ 0 }, skynet.rawsend(peer, "lua", skynet.packstring "raw"))
	check.results({ 0 }, skynet.rawsend(peer, "lua", skynet.pack "raw pointer"))
	check.results({ 0 }, skynet.redirect(peer, DEAD, "lua", 0, skynet.pack "forged"))
	check.results({ 0 }, skynet.redirect(peer, 0, "lua", 0, skynet.pack "own"))
	local number = skynet.redirect(peer, self, "lua", nil, skynet.pack "numbered")
	check.same(skynet.call(peer, "lua", "seen"), {
		{ 0, self, { n = 2, "send" } },
		{ 0, self, { n = 1, "by hex" } },
		{ 0, self, { n = 1, "raw" } },
		{ 0, self, { n = 1, "raw pointer" } },
		{ 0, DEAD, { n = 1, "forged" } },
		{ 0, self, { n = 1, "own" } },
		{ number, self, { n = 1, "numbered" } },
	})
end

local function dead_destinations()
	check.results({}, skynet.send(DEAD, "lua"))
	check.results({}, skynet.send(".nobody", "lua"))
	check.results({}, skynet.send(":fffff0", "lua"))
	check.raises("call to invalid address :00fffff0", skynet.call, DEAD, "lua")
	check.raises("call to invalid address .nobody", skynet.call, ".nobody", "lua")
	check.raises("call to invalid address :fffff0", skynet.call, ":fffff0", "lua")
	check.raises("call to invalid address", skynet.rawcall, DEAD, "lua", "")
	check.raises("call to invalid address", skynet.tracecall, "tag", DEAD, "lua", "")
end

local function bad_arguments(peer)
	check.raises_like("index", skynet.send, peer, "no such protocol")
	check.raises_like("index", skynet.call, peer, "no such protocol")
	check.raises("Invalid service address 0", skynet.send, 0, "lua")
	check.raises("dest address type (nil) must be a string or number.", skynet.send, nil, "lua")
	check.raises("dest address type (table) must be a string or number.", skynet.send, {}, "lua")
	check.raises("invalid param table", skynet.rawsend, peer, "lua", {})
	check.raises("invalid param nil", skynet.rawsend, peer, "lua", nil)
	check.raises("Unsupport type function to serialize", skynet.send, peer, "lua", print)
	check.raises("Unsupport type function to serialize", skynet.call, peer, "lua", print)
	check.raises("Unsupport type thread to serialize", skynet.send, peer, "lua", coroutine.running())
end

local function raw_calls(peer)
	check.results({ "answer", 1, 2 }, skynet.unpack(skynet.rawcall(peer, "lua", skynet.pack(1, 2))))
	check.results({ "answer", "s" },
		skynet.unpack(skynet.rawcall(peer, "lua", skynet.packstring "s")))
	local msg, sz = skynet.rawcall(peer, "lua", skynet.pack "x")
	check.equal(type(msg), "userdata")
	check.equal(skynet.tostring(msg, sz), skynet.packstring("answer", "x"))
	check.results({}, skynet.tostring(nil))
end

local function buffers()
	skynet.trash(skynet.pack("never sent", {}))
	skynet.trash "a string"
	check.raises("skynet.trash invalid param table", skynet.trash, {})
end

local function sessions_of_failed_sends()
	local before = core.genid()
	check.results({}, core.send(DEAD, skynet.PTYPE_LUA, nil, ""))
	check.equal(core.genid(), before + 2)
	check.results({}, core.send(".nobody", skynet.PTYPE_LUA, nil, ""))
	check.equal(core.genid(), before + 3)
	local payload, size = skynet.pack "too large"
	check.results({ false }, core.send(skynet.self(), skynet.PTYPE_LUA, 0, payload, -1))
	check.ok(size)
end

check.main(function()
	local peer = check.helper "peer"
	every_function_sends(peer)
	dead_destinations()
	bad_arguments(peer)
	raw_calls(peer)
	buffers()
	sessions_of_failed_sends()
end)
