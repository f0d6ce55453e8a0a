-- Messages that nobody handles: refused requests, unknown sends, unknown answers.

local check = require "check"
local skynet = require "skynet"

local mode = ...

local function register(name, id)
	skynet.register_protocol { name = name, id = id, pack = tostring, unpack = skynet.tostring }
end

register("text", skynet.PTYPE_TEXT)
register("other", 200)

if mode == "plain" then
	-- Registers "text" and "other", handles neither, and does not handle "lua".
	skynet.start(function() end)
	return
end

if mode == "replaced" then
	local seen = {}
	local old_request, old_response
	old_request = skynet.dispatch_unknown_request(function(session, source, ptr, size, prototype)
		seen[#seen + 1] = table.concat({ session, source, skynet.tostring(ptr, size), prototype }, "/")
	end)
	old_response = skynet.dispatch_unknown_response(function(session, source, ptr, size)
		seen[#seen + 1] = table.concat({ session, source, skynet.tostring(ptr, size) }, "/")
	end)
	check.serve {
		seen = function()
			return type(old_request), type(old_response), table.unpack(seen)
		end,
	}
	return
end

local function requests_are_refused()
	local peer = check.helper "plain"
	check.raises("call failed", skynet.call, peer, "lua", 1)
	check.raises("call failed", skynet.call, peer, "other", "x")
	register("third", 201)
	check.raises("call failed", skynet.call, peer, "third", "x")
end

local function sends_are_logged()
	local peer = check.helper "plain"
	skynet.send(peer, "third", "payload 1")
	skynet.send(peer, "other", "payload 2")
	local source = string.format("%x", skynet.self())
	check.raises("call failed", skynet.call, peer, "other", "x")
	check.logged "Unknown request (201): payload 1\n"
	check.logged "Unknown request (other): payload 2\n"
	check.logs("Unknown session : 0 from " .. source)
end

local function unknown_answers_are_logged()
	local peer = check.helper "plain"
	skynet.redirect(peer, skynet.self(), "response", 12345, "late answer")
	check.raises("call failed", skynet.call, peer, "other", "x")
	check.logged "Response message : late answer\n"
	check.logs(string.format("Unknown session : 12345 from %x", skynet.self()))
end

local function both_handlers_can_be_replaced()
	local peer = check.helper "replaced"
	skynet.send(peer, "third", "one")
	skynet.send(peer, "other", "two")
	skynet.redirect(peer, skynet.self(), "response", 77, "three")
	local self = skynet.self()
	check.results({
		"function",
		"function",
		"0/" .. self .. "/one/201",
		"0/" .. self .. "/two/other",
		"77/" .. self .. "/three",
	}, skynet.call(peer, "lua", "seen"))
end

local function broken_payload_is_logged()
	local peer = check.helper "replaced"
	skynet.rawsend(peer, "lua", "\7garbage")
	skynet.call(peer, "lua", "seen")
	check.logs "Invalid serialize stream"
end

check.main(function()
	requests_are_refused()
	sends_are_logged()
	unknown_answers_are_logged()
	both_handlers_can_be_replaced()
	broken_payload_is_logged()
end)
