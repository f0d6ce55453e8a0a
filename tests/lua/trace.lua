-- Tracing: tags travel with calls and leave lines in the log.

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "peer" then
	check.serve {
		tag = skynet.tracetag,
		sleep = function()
			skynet.sleep(1)
			return skynet.tracetag()
		end,
		fork = function()
			local tag = "none"
			skynet.fork(function() tag = tostring(skynet.tracetag()) end)
			skynet.yield()
			return tag
		end,
		fail = function()
			error "traced error"
		end,
	}
	return
end

check.main(function()
	local peer = check.helper "peer"
	check.equal(skynet.tracetag(), nil)
	check.equal(skynet.call(peer, "lua", "tag"), nil)

	skynet.trace "here"
	local tag = skynet.tracetag()
	check.match(tag, "^:00000008%-%d+$")
	check.equal(skynet.call(peer, "lua", "tag"), tag)
	check.equal(skynet.call(peer, "lua", "sleep"), tag)
	check.equal(skynet.call(peer, "lua", "fork"), "nil")
	check.raises("call failed", skynet.call, peer, "lua", "fail")
	local plain_tag = tag:gsub("%-", "%%-")
	for _, text in ipairs { "call", "request", "sleep", "resume", "response", "error", "end" } do
		check.logs("<TRACE " .. plain_tag .. "> %d+ " .. text)
	end
	check.logs "TRACE nil\n"
	check.logs("<TRACE " .. plain_tag .. "> %d+ trace here\n")
	check.logs("<TRACE " .. plain_tag .. "> %d+ call : @[^\n]*trace%.lua:%d+")
	check.step "tags"

	skynet.trace()
	check.match(skynet.tracetag(), "^:00000008%-%d+$")
	check.ok(skynet.tracetag() ~= tag)
	skynet.tracelog("mine", "some text")
	skynet.tracelog("mine", "with place", 1)
	check.logs "<TRACE mine> %d+ some text\n"
	check.logs "<TRACE mine> %d+ with place : @[^\n]*trace%.lua:%d+"
	check.step "tracelog"

	-- Forced for a protocol, and forced off.
	skynet.call(peer, "debug", "TRACELOG", true)
	local fresh = skynet.newservice("echo")
	check.ok(fresh)
	check.logs "Turn trace log true for lua\n"
	skynet.call(peer, "debug", "TRACELOG", "lua", false)
	check.logs "Turn trace log false for lua\n"
	check.equal(skynet.call(peer, "lua", "tag"), false)
	check.raises("call failed", skynet.call, peer, "debug", "TRACELOG", "no such protocol", true)
	check.step "TRACELOG"

	check.equal(skynet.unpack(skynet.tracecall("given", peer, "lua", skynet.pack "tag")), false)
	check.logs "<TRACE given> %d+ tracecall begin"
	check.logs "<TRACE given> %d+ tracecall end"
end)
