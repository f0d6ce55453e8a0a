-- The service gate: what a watchdog hears, agents, kicks.

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"

local mode = ...

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = skynet.tostring,
}

-- An agent that keeps what it gets and asks a gate for packets.
local function agent()
	local got = {}
	check.serve {
		forward = function(gate, ...)
			skynet.call(gate, "lua", "forward", ...)
		end,
		got = function()
			return got
		end,
	}
	skynet.dispatch("client", function(session, source, text)
		skynet.ignoreret()
		got[#got + 1] = { session, source, text }
	end)
end

local events = {}

local function next_event()
	check.eventually(function() return #events > 0 end, "the watchdog hears something")
	return table.unpack(table.remove(events, 1))
end

local function connect(port)
	local id = assert(socket.open("127.0.0.1", port))
	local what, other, address = next_event()
	check.equal(what, "open")
	check.match(address, "^127%.0%.0%.1:%d+$")
	return id, other
end

local function send(id, text)
	socket.write(id, string.pack(">s2", text))
end

local function got_by(service, count)
	return check.eventually(function()
		local got = skynet.call(service, "lua", "got")
		return #got >= count and got
	end, "the packets arrive")
end

local function packets_without_an_agent(gate, port)
	local client, id = connect(port)
	check.results({}, skynet.call(gate, "lua", "accept", id))
	send(client, "to the watchdog")
	check.results({ "data", id, "to the watchdog" }, next_event())
	socket.close(client)
	check.results({ "close", id }, next_event())
	check.results({}, skynet.call(gate, "lua", "kick", id))
end

local function packets_for_agents(gate, port)
	local one, two = check.helper "agent", check.helper "agent"
	local client, id = connect(port)
	send(client, "early")
	-- The caller is the agent, and the gate the source.
	skynet.call(one, "lua", "forward", gate, id)
	check.same(got_by(one, 1), { { id, gate, "early" } })
	-- Another agent, and another source.
	skynet.call(one, "lua", "forward", gate, id, 0x1234, two)
	send(client, "a")
	send(client, "")
	check.same(got_by(two, 2), { { id, 0x1234, "a" }, { id, 0x1234, "" } })
	check.results({}, skynet.call(gate, "lua", "accept", id))
	send(client, "b")
	check.results({ "data", id, "b" }, next_event())
	check.results({}, skynet.call(gate, "lua", "kick", id))
	check.equal(socket.read(client), false)
	check.results({ "close", id }, next_event())
	check.results({}, skynet.call(gate, "lua", "kick", id))
	check.raises_like("call failed", skynet.call, gate, "lua", "forward", id)
	socket.close(client)
end

local function a_reset_connection(gate, port)
	local client, id = connect(port)
	skynet.call(gate, "lua", "accept", id)
	-- What a peer that closes has not read makes the kernel send a reset.
	socket.pause(client)
	socket.write(client, string.pack(">s2", "x"))
	check.results({ "data", id, "x" }, next_event())
	skynet.call(gate, "lua", "kick", id)
	check.results({ "close", id }, next_event())
	socket.close(client)
end

local function unknown_things(gate)
	check.results({}, skynet.call(gate, "lua", "kick", 123456))
	check.raises_like("call failed", skynet.call, gate, "lua", "forward", 123456)
	check.raises_like("call failed", skynet.call, gate, "lua", "accept", 123456)
	check.raises_like("call failed", skynet.call, gate, "lua", "no_such_command")
end

local function another_watchdog()
	local gate = skynet.newservice "gate"
	local agent_service = check.helper "agent"
	local _, port = skynet.call(gate, "lua", "open", {
		address = "127.0.0.1",
		port = 0,
		watchdog = skynet.self(),
	})
	local client, id = connect(port)
	skynet.call(gate, "lua", "forward", id, nil, agent_service)
	for i = 1, 100 do
		send(client, tostring(i))
	end
	local got = got_by(agent_service, 100)
	for i = 1, 100 do
		check.same(got[i], { id, gate, tostring(i) })
	end
	socket.close(client)
end

if mode == "agent" then
	agent()
else
	check.main(function()
		skynet.dispatch("lua", function(_, _, word, ...)
			check.equal(word, "socket")
			events[#events + 1] = { ... }
		end)
		local gate = skynet.newservice "gate"
		local address, port = skynet.call(gate, "lua", "open", { address = "127.0.0.1", port = 0 })
		check.equal(address, "127.0.0.1")
		packets_without_an_agent(gate, port)
		packets_for_agents(gate, port)
		a_reset_connection(gate, port)
		unknown_things(gate)
		another_watchdog()
	end)
end
