-- Talks to the service in C of probe.c. Run by tests/c_service.rs.

local check = require "check"
local skynet = require "skynet"
local core = require "skynet.core"
local socket = require "skynet.socket"
require "skynet.manager"

local texts = {}

skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	pack = function(text) return text end,
	unpack = skynet.tostring,
	dispatch = function(_, source, text)
		texts[#texts + 1] = text
	end,
}

local function ask(probe, text)
	return skynet.call(probe, "text", text)
end

check.main(function()
	skynet.register ".c_probe_test"
	check.equal(skynet.launch("no_such_module"), nil)
	check.equal(skynet.launch("broken"), nil)
	check.equal(skynet.launch("probe", "refuse"), nil)
	check.match(check.log(), "error: launch probe FAILED\n")

	local probe = check.ok(skynet.launch("probe", "the parameter"))
	check.match(check.log(), "%[" .. skynet.address(probe) .. "%] LAUNCH probe the parameter\n")
	check.equal(ask(probe, "hello"), "echo hello")
	check.equal(ask(probe, ""), "echo ")
	check.equal(ask(probe, "keep"), "kept")
	check.equal(ask(probe, "keep"), "kept")
	check.equal(ask(probe, "query"), string.format(":%x 1 1 0 %d the parameter", probe,
		skynet.harbor(probe)))
	check.equal(ask(probe, "sends"), "1 -1 -1 0 1")
	check.eventually(function() return #texts == 2 end, "both texts")
	check.same(texts, { "block", "named" })
	check.equal(ask(probe, "format"), "formatted")
	local log = check.log()
	check.match(log, "%] ints 1 2 3 4 5 6 1.5 2.5 3.5 4.5 5.5 6.5 7.5 8.5 9.5 10.5 1099511627776 end\n")
	check.match(log, "%] plain\n")
	check.raises("call failed", ask, probe, "refuse")
	core.command("SIGNAL", skynet.address(probe) .. " 3")

	-- Killed with a request taken: whoever asked hears of it.
	local held = check.background(ask, probe, "hold")
	check.equal(ask(probe, "hello"), "echo hello")
	skynet.kill(probe)
	check.equal((check.outcome(held)), false)
	check.match(check.log(), "released after 10 messages\n")

	-- Two instances of one module.
	local one, two = skynet.launch "probe", skynet.launch("probe", "second")

	-- The error for a message to another node, which has a text for Lua services.
	check.equal(ask(one, "lost"), "0 bytes")

	-- Sockets: a small echo server.
	local fd = check.ok(socket.open("127.0.0.1", tonumber(ask(one, "listen"))))
	socket.write(fd, "hello socket")
	check.equal(socket.read(fd, 12), "hello socket")
	socket.write(fd, "bye")
	check.equal(socket.readall(fd), "bye")
	socket.close(fd)
	check.match(ask(one, "query"), "nil$")
	check.match(ask(two, "query"), "second$")
end)
