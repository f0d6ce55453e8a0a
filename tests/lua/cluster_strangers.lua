-- Connections to the port of a node that are not from nodes cost no service and no line of one in
-- the log; what a node sends first is not lost on the way to its agent.
--! differs: each connection has an agent there
--! log: cluster: refused 127.0.0.1:* it does not speak the protocol

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local socket = require "skynet.socket"
local peer = require "module.cluster_peer"

local ECHO <const> = skynet.packstring "echo"

local pushed = {}

local serve = {}

function serve.echo(...)
	return "echo", ...
end

function serve.push(number)
	table.insert(pushed, number)
end

local port

local function connect()
	return check.ok(socket.open("127.0.0.1", port))
end

local function request(session)
	return peer.frame(peer.request("@main", session) .. ECHO)
end

local function expect_echo(fd, session)
	check.equal(peer.read(fd), string.pack("<I4", session) .. "\1" .. ECHO)
end

-- How many agents there have been.
local function launched()
	local _, count = string.gsub(check.log(), "LAUNCH snlua clusteragent", "")
	return count
end

local function nobody_is_left()
	check.eventually(function()
		return peer.status "agents" == 0 and peer.status "strangers" == 0
	end, "all have left")
end

local GARBAGE <const> = {
	empty_packet = "\0\0",
	empty_request = "\0\1\x80",
	web = "GET / HTTP/1.1\r\n\r\n",
	shell = "SSH-2.0-OpenSSH_9.9\r\n",
	tls = "\x16\3\1\2\0\1\0\1\xfc\3\3",
	text = "hello\n",
	unknown_kind = string.pack(">s2", "\5abcdefghijklmnop"),
	long_name = string.pack(">s2", "\x80\xffshort"),
	begin_with_more = string.pack(">s2", "\1" .. string.rep("\1", 13)),
	nothing_known_of_a_long_packet = "\xff\xff\x77",
}

local function garbage()
	local before = launched()
	for name, bytes in pairs(GARBAGE) do
		local fd = connect()
		socket.write(fd, bytes)
		check.equal(socket.read(fd), false, name)
		socket.close(fd)
	end
	for _ = 1, 200 do
		local fd = connect()
		socket.write(fd, GARBAGE.text)
		socket.close(fd)
	end
	nobody_is_left()
	check.equal(launched(), before)
	local _, lines = string.gsub(check.log(), "does not speak the protocol", "")
	check.ok(lines < 200, lines .. " lines for 210 strangers")
end

local function silence()
	local before = launched()
	local silent = {}
	for index = 1, 50 do
		silent[index] = connect()
		-- Half a packet is none.
		socket.write(silent[index], string.sub(request(index), 1, index % 18))
	end
	check.eventually(function()
		return peer.status "strangers" == 50
	end, "all are there")
	for _, fd in ipairs(silent) do
		socket.close(fd)
	end
	nobody_is_left()
	check.equal(launched(), before)
end

-- The first packets of a node, in such pieces.
local function pieces(...)
	local fd = connect()
	for _, piece in ipairs { ... } do
		socket.write(fd, piece)
		-- The piece is on its own there when this has been answered.
		peer.status "strangers"
	end
	return fd
end

local function first_packets()
	local both = request(1) .. request(2)
	local bytes = {}
	for at = 1, #both do
		bytes[at] = both:sub(at, at)
	end
	for _, fd in ipairs {
		pieces(both),
		pieces(request(1), request(2)),
		pieces(both:sub(1, 20), both:sub(21)),
		pieces(both:sub(1, #both - 1), both:sub(-1)),
		pieces(table.unpack(bytes)),
	} do
		expect_echo(fd, 1)
		expect_echo(fd, 2)
		-- And behind them.
		socket.write(fd, request(3))
		expect_echo(fd, 3)
		socket.close(fd)
	end
	nobody_is_left()
end

local function a_large_request_comes_first()
	local fd = connect()
	local body = skynet.packstring("echo", string.rep("x", 40000))
	peer.write(fd, peer.large_request("@main", 1, #body))
	peer.write(fd, "\2" .. string.pack("<I4", 1) .. body:sub(1, 32768))
	peer.write(fd, "\3" .. string.pack("<I4", 1) .. body:sub(32769))
	check.equal(peer.read(fd), string.pack("<I4BI4", 1, 2, #body))
	socket.close(fd)
end

-- What is pushed arrives, although the connection ends at once.
local function pushes_and_leaves()
	for number = 1, 20 do
		local fd = connect()
		local head = "\0" .. string.pack("<I4I4", skynet.self(), 0)
		peer.write(fd, head .. skynet.packstring("push", number))
		peer.write(fd, head .. skynet.packstring("push", -number))
		socket.close(fd)
	end
	check.eventually(function()
		return #pushed == 40
	end, "all pushes have come")
	nobody_is_left()
end

-- Strangers make room for nodes, also while these are on the way to their agents.
local function a_full_listener()
	local usual, _ = port, nil
	_, port = cluster.open(0, 3)
	local nodes = {}
	for index = 1, 3 do
		local stranger = connect()
		nodes[index] = pieces(request(1))
		expect_echo(nodes[index], 1)
		socket.close(stranger)
	end
	local late = connect()
	socket.write(late, request(1))
	check.equal(peer.read(late), false)
	socket.close(late)
	for index = 1, 3 do
		socket.write(nodes[index], request(2))
		expect_echo(nodes[index], 2)
		socket.close(nodes[index])
	end
	nobody_is_left()
	port = usual
end

check.main(function()
	check.dispatch(serve)
	cluster.register "main"
	local _
	_, port = cluster.open(0)
	garbage()
	silence()
	first_packets()
	a_large_request_comes_first()
	pushes_and_leaves()
	a_full_listener()
end)
