-- The native service gate: its reports, commands, routes, framing, and sending through it.

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"
local socket = require "skynet.socket"

local MAIN <const> = ".gate_test"

-- What the watchdog, agents and brokers get: { kind, session, source, text }.
local got = {}

local function take(kind)
	return function(session, source, text)
		skynet.ignoreret()
		got[#got + 1] = { kind, session, source, text }
	end
end

skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	pack = function(text) return text end,
	unpack = skynet.tostring,
	dispatch = take "text",
}

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	pack = function(text) return text end,
	unpack = skynet.tostring,
	dispatch = take "client",
}

skynet.register_protocol {
	name = "tagged",
	id = 100,
	pack = function(text) return text end,
	unpack = skynet.tostring,
	dispatch = take "tagged",
}

local function next_message()
	check.eventually(function() return #got > 0 end, "a message comes")
	return table.unpack(table.remove(got, 1))
end

local function launch(header, watchdog, tag, max)
	local port = check.free_port()
	local gate = skynet.launch("gate", header, watchdog, "127.0.0.1:" .. port, tag, max)
	return check.ok(gate), port
end

local function command(gate, ...)
	skynet.send(gate, "text", table.concat({ ... }, " "))
end

-- Connects; returns the client's and the gate's id.
local function connect(gate, port)
	local client = assert(socket.open("127.0.0.1", port))
	local kind, session, source, text = next_message()
	check.same({ kind, session, source }, { "text", 0, gate })
	local id, again, address = text:match "^(%d+) open (%d+) (.*)$"
	check.equal(id, again)
	check.match(address, "^127%.0%.0%.1:%d+:0$")
	return client, tonumber(id)
end

local function send(client, text)
	socket.write(client, string.pack(">s2", text))
end

local function is_closed(gate, client, id)
	check.results({ "text", 0, gate, id .. " close" }, next_message())
	socket.close(client)
end

local function packets_for_the_watchdog()
	local gate, port = launch("S", MAIN, 0, 8)
	local client, id = connect(gate, port)
	send(client, "early")
	command(gate, "start", id)
	check.results({ "text", id, gate, id .. " data early" }, next_message())
	-- Empty packets are skipped.
	socket.write(client, string.pack(">s2s2s2", "a", "", "b") .. "\0")
	check.results({ "text", id, gate, id .. " data a" }, next_message())
	check.results({ "text", id, gate, id .. " data b" }, next_message())
	socket.write(client, "\1c")
	check.results({ "text", id, gate, id .. " data c" }, next_message())
	socket.close(client)
	check.results({ "text", 0, gate, id .. " close" }, next_message())
	check.logs(string.format("socket open: %x\n", id))
end

local function routes()
	local gate, port = launch("S", MAIN, 100, 8)
	local client, id = connect(gate, port)
	command(gate, "start", id)
	local self = skynet.address(skynet.self())
	command(gate, "forward", id, self, ":1234")
	send(client, "for the agent")
	check.results({ "tagged", id, 0x1234, "for the agent" }, next_message())
	command(gate, "forward", id, self, ":0")
	send(client, "x")
	check.results({ "tagged", id, gate, "x" }, next_message())
	-- Two words are not enough, and an unknown connection is nobody's.
	command(gate, "forward", id, ":7")
	command(gate, "forward", 123456, ":7", ":7")
	command(gate, "broker", MAIN)
	command(gate, "forward", id, ":7", ":7")
	send(client, "for the broker")
	check.results({ "tagged", id, gate, "for the broker" }, next_message())
	command(gate, "k", id)
	is_closed(gate, client, id)
end

local function commands()
	local gate, port = launch("S", MAIN, 0, 8)
	command(gate, "dance", 1)
	command(gate, "kick", 123456)
	command(gate, "")
	check.eventually(function()
		return check.log():find("[gate] Unknown command : dance 1", 1, true)
	end, "it is logged")
	local client, id = connect(gate, port)
	command(gate, "start", id)
	command(gate, "close")
	check.eventually(function()
		local late = socket.open("127.0.0.1", port)
		if late then
			socket.close(late)
		end
		return not late
	end, "nobody listens any more")
	got = {}
	send(client, "x")
	check.results({ "text", id, gate, id .. " data x" }, next_message())
	command(gate, "kick", id)
	check.equal(socket.read(client), false)
	is_closed(gate, client, id)
end

local function sending_through_the_gate()
	local gate, port = launch("S", MAIN, 0, 8)
	local client, id = connect(gate, port)
	-- What is sent to a connection that nobody has started is dropped.
	command(gate, "start", id)
	skynet.send(gate, "client", "as it is" .. string.pack("<i4", id))
	check.equal(socket.read(client, 8), "as it is")
	skynet.send(gate, "client", "abcd")
	skynet.send(gate, "client", "to nobody" .. string.pack("<i4", 123456))
	local from = string.format("%x", skynet.self())
	check.eventually(function()
		return check.log():find("Invalid client id 123456 from " .. from, 1, true)
	end, "it is logged")
	check.ok(check.log():find("Invalid client message from " .. from, 1, true))
	command(gate, "kick", id)
	is_closed(gate, client, id)
end

local function long_heads()
	local gate, port = launch("L", MAIN, 0, 8)
	local client, id = connect(gate, port)
	command(gate, "start", id)
	local text = string.rep("x", 100000)
	socket.write(client, string.pack(">s4s4", text, "short"))
	local _, _, _, data = next_message()
	check.equal(data, id .. " data " .. text)
	check.results({ "text", id, gate, id .. " data short" }, next_message())
	-- 16 MiB is too much.
	socket.write(client, "\1\0\0\0")
	check.equal(socket.read(client), false)
	is_closed(gate, client, id)
	check.logs "Recv socket message > 16M"
end

local function a_full_gate()
	local gate, port = launch("S", MAIN, 0, 1)
	local client, id = connect(gate, port)
	local refused = assert(socket.open("127.0.0.1", port))
	check.equal(socket.read(refused), false)
	socket.close(refused)
	command(gate, "kick", id)
	is_closed(gate, client, id)
	client, id = connect(gate, port)
	skynet.kill(gate)
	check.equal(socket.read(client), false)
	socket.close(client)
end

local function bad_launches()
	check.equal(skynet.launch("gate", "S ! 1"), nil)
	check.equal(skynet.launch("gate", "S ! 127.0.0.1:1 0 0"), nil)
	check.equal(skynet.launch("gate", "X ! 127.0.0.1:1 0 1"), nil)
	check.equal(skynet.launch("gate", "S .nobody 127.0.0.1:1 0 1"), nil)
	check.equal(skynet.launch("gate", "S ! nowhere 0 1"), nil)
	check.equal(skynet.launch("gate", "S ! 203.0.113.1:1 0 1"), nil)
	local text = check.log()
	for _, line in ipairs {
		"Invalid gate parm",
		"Need max connection",
		"Invalid data header style",
		"Invalid watchdog .nobody",
		"Invalid gate address nowhere",
	} do
		check.ok(text:find(line, 1, true), line)
	end
end

check.main(function()
	skynet.register(MAIN)
	packets_for_the_watchdog()
	routes()
	commands()
	sending_through_the_gate()
	long_heads()
	a_full_gate()
	bad_launches()
end)
