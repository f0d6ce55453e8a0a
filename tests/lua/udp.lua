-- UDP through skynet.socket and the driver: both families, default destinations, replies.

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"

local function port_of(address)
	local _, port = socket.udp_address(address)
	return port
end

local function round_trips(host)
	local port, heard, answers = check.free_port(host), {}, {}
	local server
	server = socket.udp_listen(host, port, function(data, from)
		heard[#heard + 1] = data
		check.equal(socket.udp_address(from), host)
		check.equal(socket.sendto(server, from, "OK " .. data), true)
	end)
	local client = socket.udp_dial(host, port, function(data, from)
		answers[#answers + 1] = data
		check.equal(port_of(from), port)
	end)
	for i = 1, 20 do
		check.equal(socket.write(client, "hello " .. i), true)
	end
	check.equal(socket.write(client, ""), true)
	check.eventually(function()
		return #answers == 21
	end, "all answers arrive")
	check.equal(heard[20], "hello 20")
	check.equal(heard[21], "")
	check.equal(answers[20], "OK hello 20")
	socket.close(client)
	socket.close(server)
end

local function connected_later()
	local port, got = check.free_port(), {}
	local server = socket.udp(function(data)
		got[#got + 1] = data
	end, "127.0.0.1", port)
	local client = socket.udp(function() end)
	socket.udp_connect(client, "127.0.0.1", port)
	socket.write(client, "one")
	socket.write(client, { "t", "w", "o" })
	check.eventually(function()
		return #got == 2
	end, "both packets arrive")
	check.equal(got[2], "two")
	check.raises("udp connect failed", socket.udp_connect, 99999, "127.0.0.1", port)
	check.equal(socket.sendto(client, "bad", "x"), false)
	socket.close(client)
	socket.close(server)
end

local function too_large()
	local port = check.free_port()
	local client = socket.udp_dial("127.0.0.1", port, function() end)
	socket.write(client, string.rep("x", 70000))
	check.eventually(function()
		return check.log():find("udp %(" .. client .. "%)")
	end, "the log says that the packet is lost")
	socket.close(client)
end

check.main(function()
	round_trips "127.0.0.1"
	round_trips "::1"
	connected_later()
	too_large()
	check.eventually(function()
		return #socket.netstat() == 0
	end, "all sockets are closed")
end)
