-- Links of a cluster with peers that are written here, byte by byte: what goes over the wire, and
-- what becomes of peers that lie. Spec: cluster sections C.2, C.7 and C.8.
--! differs: errors name the node and the reason, and lying peers are met otherwise
--! config: cluster_large_link = 1
--! log: that are no response
--! log: cluster: a bad packet from 127.0.0.1

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local socket = require "skynet.socket"
local peer = require "module.cluster_peer"

local frame, listen, status_of = peer.frame, peer.listen, peer.link

local function bytes(hex)
	return (string.gsub(string.gsub(hex, " ", ""), "..", function(digits)
		return string.char(tonumber(digits, 16))
	end))
end

local function hex(text)
	return (string.gsub(text, ".", function(byte)
		return string.format("%02x", string.byte(byte))
	end))
end

-- Reads a packet without its length.
local function read_packet(fd)
	return check.ok(peer.read(fd), "a packet comes")
end

local function requests_on_the_wire()
	local seen = {}
	local listener = listen("wire", function(fd)
		for index = 1, 3 do
			seen[index] = hex(read_packet(fd))
			if index ~= 2 then
				socket.write(fd, frame(bytes "01000000 01" .. skynet.packstring("answer", index)))
			end
		end
	end)
	check.results({ "answer", 1 }, cluster.call("wire", "@sdb", "echo", 1, "two", { 3 }))
	check.equal(seen[1], "80044073646201000000246563686f0a011c74776f0e0a0300")
	cluster.send("wire", 10, "PING", "hello")
	check.eventually(function()
		return seen[2]
	end, "the push arrives")
	check.equal(seen[2], "000a000000000000002450494e472c68656c6c6f")
	socket.close(listener)
end

-- Calls a peer that answers with these bytes, without their length.
local function answered_with(node, answer)
	local listener = listen(node, function(fd)
		local packet = read_packet(fd)
		local session = string.sub(packet, 6, 9)
		socket.write(fd, frame((string.gsub(answer, "SESS", (string.gsub(session, "%%", "%%%%"))))))
	end)
	local ok, err = pcall(cluster.call, node, 10, "x")
	socket.close(listener)
	return ok, err
end

local function answers()
	local ok, err = answered_with("refuses", "SESS\0no such thing")
	check.equal(ok, false)
	check.match(err, "cluster call to node refuses failed: no such thing$")
	ok, err = answered_with("lies", "SESS\9")
	check.equal(ok, false)
	check.match(err, "node lies .*sent something that is no response$")
	ok, err = answered_with("silent", "")
	check.equal(ok, false)
	check.match(err, "node silent .*no response$")
	ok, err = answered_with("huge", "SESS\2\255\255\255\255")
	check.equal(ok, false)
	check.match(err, "node huge: large messages .*cluster_large_link")
	ok, err = answered_with("short", "SESS\4" .. skynet.packstring(5))
	check.results({ true, 5 }, ok, err)
end

local function a_large_answer_that_is_shorter_than_announced()
	local listener = listen("shrinks", function(fd)
		local session = string.sub(read_packet(fd), 6, 9)
		socket.write(fd, frame(session .. "\2" .. string.pack("<I4", 100)))
		socket.write(fd, frame(session .. "\4" .. "only this"))
	end)
	local ok, err = pcall(cluster.call, "shrinks", 10, "x")
	check.equal(ok, false)
	check.match(err, "node shrinks: a large response is not as long as announced$")
	socket.close(listener)
end

local function lost_connection()
	local listener = listen("leaves", function(fd)
		read_packet(fd)
		socket.close(fd)
	end)
	local ok, err = pcall(cluster.call, "leaves", 10, "x")
	check.equal(ok, false)
	check.match(err, "node leaves .*: closed by the peer$")
	socket.close(listener)
end

-- A node that asks for a shared secret tells a link that has none after it came up.
local function late_refusal()
	local connections = 0
	local listener = listen("strict", function(fd)
		connections = connections + 1
		read_packet(fd)
		socket.write(fd, frame(bytes "ffffff7f00" .. "ironsky\0\5" .. "not you"))
	end)
	local start = skynet.now()
	for _ = 1, 4 do
		local ok, err = pcall(cluster.call, "strict", 10, "x")
		check.equal(ok, false)
		check.match(err, "node strict .*: it refuses this node: not you$")
	end
	check.equal(connections, 4)
	local waited = skynet.now() - start
	check.ok(waited >= 5 + 10 + 20, "4 attempts in " .. waited .. " ticks")
	socket.close(listener)
end

-- A peer whose queue of connections is full: the system drops the first packets of further ones.
local function lost_first_packets()
	local id, _, port = socket.listen("127.0.0.1", 0, 1)
	local full = {}
	for index = 1, 2 do
		full[index] = socket.open("127.0.0.1", port)
	end
	cluster.reload { crowded = "127.0.0.1:" .. port }
	local result = check.background(cluster.call, "crowded", 10, "x")
	check.eventually(function()
		local link = status_of "crowded"
		return link and link.dials >= 2
	end, "a second connection is tried beside the first one")
	check.equal(status_of("crowded").failures, 0)
	local served = 0
	socket.start(id, function(fd)
		socket.start(fd)
		local packet = peer.read(fd)
		if packet then
			served = served + 1
			socket.write(fd, frame(string.sub(packet, 6, 9) .. "\1" .. skynet.packstring "in"))
		end
	end)
	check.results({ true, "in" }, check.outcome(result))
	check.equal(served, 1)
	socket.close(id)
	for _, fd in ipairs(full) do
		socket.close(fd)
	end
end

local function link_states()
	local link = status_of "leaves"
	check.equal(link.connects >= 1 and link.losses >= 1, true)
	check.match(link.error, "closed by the peer")
	check.ok(link.state ~= "up")
	check.equal(link.pending, 0)
end

-- The command of the debug console.
local function shown_links()
	local ok, grid = require("skynet.console.commands").run({}, "cluster")
	check.equal(ok, true)
	local lines = table.concat(require("skynet.console.render").text(grid), "\n")
	check.match(lines, "^node +address +state +calls +sent +received +late +connects +from +last error\n")
	check.match(lines, "\nleaves +127.0.0.1:%d+ +%a+ ")
end

-- A peer that calls this node with bytes of its own.
local function clients(port)
	local fd = socket.open("127.0.0.1", port)
	local function ask(packet)
		socket.write(fd, frame(packet))
	end
	local function answer()
		return read_packet(fd)
	end
	-- Names and addresses.
	ask(bytes "80" .. "\7@nobody" .. bytes "07000000" .. skynet.packstring "echo")
	check.equal(answer(), "\7\0\0\0\0Invalid name")
	ask(bytes "00 00000000 03000000" .. skynet.packstring "nobody")
	check.equal(answer(), "\3\0\0\0\0name not found")
	ask(bytes "80" .. "\5@main" .. bytes "08000000" .. skynet.packstring("echo", 1))
	check.equal(answer(), "\8\0\0\0\1" .. skynet.packstring(1))
	-- A light userdata would be a pointer of the sender's choice.
	local forged = "\3" .. string.pack("<I8", 8)
	ask(bytes "80" .. "\5@main" .. bytes "09000000" .. skynet.packstring "echo" .. forged)
	check.equal(answer(), "\9\0\0\0\0a request with a light userdata is refused")
	-- Parts without a begin, parts that are too long, and a begin that is too much.
	ask(bytes "03 0a000000" .. "part")
	check.equal(answer(), "\10\0\0\0\0Invalid large req")
	ask(bytes "81" .. "\5@main" .. bytes "0b000000 02000000")
	ask(bytes "02 0b000000" .. "part")
	check.equal(answer(), "\11\0\0\0\0Invalid large req")
	ask(bytes "81" .. "\5@main" .. bytes "0c000000 00001000")
	ask(bytes "81" .. "\5@main" .. bytes "0d000000 00001000")
	check.match(answer(), "^\13\0\0\0\0large messages of %d+ bytes on one link, the limit is 1048576")
	-- What is no packet at all leaves the connection as it is.
	ask ""
	ask "\5nonsense"
	ask "\0\1"
	ask(bytes "80" .. "\5@main" .. bytes "0e000000" .. skynet.packstring("echo", 2))
	check.equal(answer(), "\14\0\0\0\1" .. skynet.packstring(2))
	check.equal(peer.status "agents", 1)
	socket.close(fd)
	check.eventually(function()
		return peer.status "agents" == 0
	end, "the agent ends with its connection")
	check.eventually(function()
		return peer.status "large" == 0
	end, "what was announced is forgotten")
end

local function too_many_clients()
	local _, port = cluster.open(0, 1)
	local first = socket.open("127.0.0.1", port)
	socket.write(first, frame(bytes "00 00000000 01000000" .. skynet.packstring "nobody"))
	check.equal(read_packet(first), "\1\0\0\0\0name not found")
	local second = socket.open("127.0.0.1", port)
	check.equal(socket.read(second, 1), false)
	socket.close(first)
	socket.close(second)
end

check.main(function()
	local port = peer.serve(function(_, _, _, ...)
		skynet.retpack(...)
	end)
	requests_on_the_wire()
	answers()
	a_large_answer_that_is_shorter_than_announced()
	lost_connection()
	late_refusal()
	lost_first_packets()
	link_states()
	shown_links()
	clients(port)
	too_many_clients()
end)
