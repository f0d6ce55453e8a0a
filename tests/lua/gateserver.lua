-- snax.gateserver: open, connections, packets, ends, limits; a handler that blocks.
--! differs: there maxclient is one too small, and a gate opens once in its life

local check = require "check"
local skynet = require "skynet"

local mode = ...

-- The gate under test: writes down what its handler is told.
local function gate()
	local gateserver = require "snax.gateserver"
	local driver = require "skynet.socketdriver"
	local netpack = require "skynet.netpack"

	local events = {}
	local function note(...)
		events[#events + 1] = { ... }
	end

	local read_at_once = true
	local handler = {}

	function handler.open(source, conf)
		note("open", source, conf.extra)
		return conf.address, conf.port
	end

	function handler.connect(id, address)
		note("connect", id, address)
		if read_at_once then
			gateserver.openclient(id)
		end
	end

	function handler.disconnect(id)
		note("disconnect", id)
	end

	function handler.error(id, text)
		note("error", id, text)
	end

	function handler.warning(id, kib)
		note("warning", id, kib)
	end

	function handler.message(id, message, size)
		local text = netpack.tostring(message, size)
		if text == "block" then
			skynet.wait(handler)
		elseif text == "raise" then
			error "raised in the handler"
		end
		note("message", id, text)
		driver.send(id, netpack.pack(text))
	end

	local command = {}

	function command.events()
		local list = events
		events = {}
		return list
	end

	function command.read_later()
		read_at_once = false
	end

	function command.read(id)
		gateserver.openclient(id)
	end

	function command.close_client(id)
		gateserver.closeclient(id)
	end

	function command.unblock()
		skynet.wakeup(handler)
	end

	function command.flood(id, bytes)
		driver.send(id, string.rep("x", bytes))
	end

	function handler.command(name, source, ...)
		return assert(command[name], name)(...)
	end

	gateserver.start(handler)
end

local socket

local function connect(port)
	return assert(socket.open("127.0.0.1", port))
end

local function send(id, text)
	socket.write(id, string.pack(">s2", text))
end

local function receive(id)
	local head = socket.read(id, 2)
	local size = head and string.unpack(">I2", head)
	-- A read of no bytes would wait.
	return size == 0 and "" or size and socket.read(id, size)
end

-- Opens a gate; returns its address and port, and what waits for its next events.
local function open(conf)
	local address = check.helper "gate"
	conf = conf or {}
	conf.address, conf.port, conf.extra = conf.address or "127.0.0.1", 0, "extra"
	local ip, port = skynet.call(address, "lua", "open", conf)
	check.equal(ip, "127.0.0.1")
	local pending = {}
	local function next_event()
		check.eventually(function()
			if #pending == 0 then
				pending = skynet.call(address, "lua", "events")
			end
			return #pending > 0
		end, "something happens")
		return table.unpack(table.remove(pending, 1))
	end
	check.results({ "open", skynet.self(), "extra" }, next_event())
	return address, port, next_event
end

local function life_of_a_connection()
	local gate_address, port, next_event = open { nodelay = true }
	local client = connect(port)
	local what, id, from = next_event()
	check.equal(what, "connect")
	check.match(from, "^127%.0%.0%.1:%d+$")
	for _, text in ipairs { "hello", "", string.rep("x", 0xffff) } do
		send(client, text)
		check.equal(receive(client), text)
		check.results({ "message", id, text }, next_event())
	end
	socket.write(client, "\0\3ab")
	socket.write(client, "c\0\1d\0\0")
	check.equal(receive(client), "abc")
	check.equal(receive(client), "d")
	check.equal(receive(client), "")
	for _, text in ipairs { "abc", "d", "" } do
		check.results({ "message", id, text }, next_event())
	end
	socket.close(client)
	check.results({ "disconnect", id }, next_event())
	-- The connection is half closed until the handler closes it; then it is unknown.
	skynet.call(gate_address, "lua", "close_client", id)
	skynet.call(gate_address, "lua", "close_client", id)
end

local function the_gate_closes()
	local gate_address, port, next_event = open()
	local client = connect(port)
	local _, id = next_event()
	skynet.call(gate_address, "lua", "flood", id, 3 << 20)
	skynet.call(gate_address, "lua", "close_client", id)
	-- What was sent before arrives.
	check.equal(#socket.readall(client), 3 << 20)
	local what
	repeat
		what = next_event()
	until what ~= "warning"
	check.equal(what, "disconnect")
	socket.close(client)
end

local function nothing_is_read_before_openclient()
	local gate_address, port, next_event = open()
	skynet.call(gate_address, "lua", "read_later")
	local client = connect(port)
	local _, id = next_event()
	send(client, "early")
	check.same(skynet.call(gate_address, "lua", "events"), {})
	skynet.call(gate_address, "lua", "read", id)
	check.results({ "message", id, "early" }, next_event())
	skynet.call(gate_address, "lua", "read", 12345)
	-- The echo: closing with unread bytes would be a reset.
	check.equal(socket.read(client, 7), string.pack(">s2", "early"))
	socket.close(client)
	check.results({ "disconnect", id }, next_event())
end

local function a_handler_that_blocks_stops_nobody()
	local gate_address, port, next_event = open()
	local client = connect(port)
	local _, id = next_event()
	socket.write(client, string.pack(">s2s2s2s2", "one", "block", "two", "raise"))
	send(client, "three")
	for _, text in ipairs { "one", "two", "three" } do
		check.equal(receive(client), text)
		check.results({ "message", id, text }, next_event())
	end
	skynet.call(gate_address, "lua", "unblock")
	check.equal(receive(client), "block")
	check.logs "raised in the handler"
	socket.close(client)
end

local function as_many_clients_as_said()
	local _, port, next_event = open { maxclient = 2 }
	local first, second, third = connect(port), connect(port), connect(port)
	local _, first_id = next_event()
	check.equal((next_event()), "connect")
	-- The third is refused.
	check.equal((next_event()), "disconnect")
	check.equal(socket.read(third), false)
	socket.close(third)
	send(second, "x")
	check.equal(receive(second), "x")
	check.equal((next_event()), "message")
	socket.close(first)
	check.results({ "disconnect", first_id }, next_event())
	local fourth = connect(port)
	check.equal((next_event()), "connect")
	socket.close(second)
	socket.close(fourth)
end

local function closed_and_opened_again()
	local gate_address, port, next_event = open()
	check.raises_like(".", skynet.call, gate_address, "lua", "open", { port = 0 })
	local client = connect(port)
	local _, id = next_event()
	check.results({}, skynet.call(gate_address, "lua", "close"))
	check.raises_like(".", skynet.call, gate_address, "lua", "close")
	check.eventually(function()
		local late = socket.open("127.0.0.1", port)
		if late then
			socket.close(late)
		end
		return not late
	end, "nobody listens any more")
	send(client, "still here")
	check.equal(receive(client), "still here")
	check.results({ "message", id, "still here" }, next_event())
	local _, new_port = skynet.call(gate_address, "lua", "open", { address = "127.0.0.1", port = 0 })
	local other = connect(new_port)
	send(other, "x")
	check.equal(receive(other), "x")
	socket.close(client)
	socket.close(other)
end

local function a_gate_that_ends_closes_its_connections()
	local gate_address, port, next_event = open()
	local client = connect(port)
	next_event()
	skynet.kill(gate_address)
	check.equal(socket.read(client), false)
	socket.close(client)
	local late = socket.open("127.0.0.1", port)
	check.equal(late, nil)
end

local function bad_commands()
	local gate_address = check.helper "gate"
	check.raises_like(".", skynet.call, gate_address, "lua", "open", {})
	check.raises_like(".", skynet.call, gate_address, "lua", "no such command")
	check.raises_like(".", skynet.call, gate_address, "lua", "open", {
		address = "203.0.113.1",
		port = 1,
	})
end

if mode == "gate" then
	gate()
else
	socket = require "skynet.socket"
	require "skynet.manager"
	check.main(function()
		life_of_a_connection()
		the_gate_closes()
		nothing_is_read_before_openclient()
		a_handler_that_blocks_stops_nobody()
		as_many_clients_as_said()
		closed_and_opened_again()
		a_gate_that_ends_closes_its_connections()
		bad_commands()
	end)
end
