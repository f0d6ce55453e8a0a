-- Peers of cluster links that lie, flood or stall, on both sides: they get errors, are slowed down or
-- lose their connection, and nothing of theirs is kept.
--! differs: the reference has no such limits
--! config: cluster_large_link = 1
--! config: cluster_requests_link = 1
--! config: cluster_unsent_link = 1
--! log: cluster: a bad name from 127.0.0.1
--! log: cluster: not reading from 127.0.0.1
--! log: is left, it does not read its responses
--! log: has said nothing and gives way to 127.0.0.1

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local socket = require "skynet.socket"
local peer = require "module.cluster_peer"

-- Packed arguments that ask the service of this test for something.
local ECHO <const> = skynet.packstring "echo"

local held, release = 0, false

local serve = {}

function serve.echo(...)
	return "echo", ...
end

function serve.hold()
	held = held + 1
	while not release do
		skynet.sleep(1)
	end
end

function serve.big()
	return string.rep("x", 30000)
end

-- Ten lines are logged in a second, so a test of a line begins with a second of its own.
local function next_second()
	local second = skynet.now() // 100
	repeat
		skynet.sleep(1)
	until skynet.now() // 100 > second
end

local function connect(port)
	return check.ok(socket.open("127.0.0.1", port))
end

local function echoes(fd, session)
	peer.write(fd, peer.request("@main", session) .. ECHO)
	check.equal(peer.read(fd), string.pack("<I4", session) .. "\1" .. ECHO)
end

local function refused(fd, session, text)
	check.match(peer.read(fd), "^" .. string.pack("<I4", session):gsub("%p", "%%%0") .. "\0" .. text)
end

local function part(session, bytes)
	return "\2" .. string.pack("<I4", session) .. bytes
end

local function crumbs_of_large_requests(fd)
	peer.write(fd, peer.large_request("@main", 1, 100000))
	for _ = 1, 100 do
		peer.write(fd, part(1, ""))
	end
	refused(fd, 1, "Invalid large req$")
	peer.write(fd, peer.large_request("@main", 2, 100000))
	for _ = 1, 100 do
		peer.write(fd, part(2, "x"))
	end
	refused(fd, 2, "Invalid large req$")
	-- Fewer, but larger parts are fine.
	local body = skynet.packstring("echo", string.rep("x", 50000))
	peer.write(fd, peer.large_request("@main", 3, #body))
	for at = 1, #body, 1000 do
		local last = at + 1000 > #body
		peer.write(fd, (last and "\3" or "\2") .. string.pack("<I4", 3) .. body:sub(at, at + 999))
	end
	check.equal(peer.read(fd), string.pack("<I4BI4", 3, 2, #body))
	check.equal(peer.read(fd):sub(1, 5), "\3\0\0\0\3")
	check.equal(peer.read(fd):sub(1, 5), "\3\0\0\0\4")
end

local function begins_without_end(fd)
	peer.write(fd, peer.large_request("@main", 10, 100))
	peer.write(fd, peer.large_request("@main", 10, 100))
	refused(fd, 10, "Invalid large req$")
	for session = 11, 3000 do
		peer.write(fd, peer.large_request("@main", session, 0))
	end
	local first <const> = 2058
	for session = first, 3000 do
		refused(fd, session, "large messages of %d+ bytes on one link")
	end
	check.ok(peer.status "large" < (1 << 20) + 1000)
end

local function names(fd)
	peer.write(fd, peer.request("NOBODY", 5001) .. ECHO)
	refused(fd, 5001, "Invalid name$")
	require("skynet.harbor").globalname("SOMEBODY", skynet.self())
	peer.write(fd, peer.request("SOMEBODY", 5002) .. ECHO)
	check.equal(peer.read(fd), string.pack("<I4", 5002) .. "\1" .. ECHO)
	-- A name that does not unpack gets no answer, as in the reference.
	peer.write(fd, "\0\0\0\0\0" .. string.pack("<I4", 5003) .. "\xff\xff")
	peer.write(fd, "\0\0\0\0\0" .. string.pack("<I4", 5004) .. skynet.packstring {})
	refused(fd, 5004, "name not found$")
end

local function one_session_twice(fd)
	echoes(fd, 6000)
	echoes(fd, 6000)
end

local function a_connection_and_its_memory(port)
	local fd = connect(port)
	crumbs_of_large_requests(fd)
	names(fd)
	one_session_twice(fd)
	begins_without_end(fd)
	echoes(fd, 7000)
	socket.close(fd)
	check.eventually(function()
		return peer.status "agents" == 0 and peer.status "large" == 0
	end, "nothing is left of the connection")
end

-- More requests than the services answer: reading stops, and goes on with the answers.
local function floods(port)
	local fd = connect(port)
	local body = skynet.packstring("hold", string.rep("x", 2000))
	local count <const> = 2000
	for session = 1, count do
		peer.write(fd, peer.request("@main", session) .. body)
	end
	check.eventually(function()
		return check.log():find("not reading from", 1, true)
	end, "the flood is noticed")
	check.eventually(function()
		return held > 0
	end, "some are served")
	release = true
	local answers = {}
	for _ = 1, count do
		answers[peer.read(fd)] = true
	end
	for session = 1, count do
		check.ok(answers[string.pack("<I4", session) .. "\1"], session)
	end
	echoes(fd, 7000)
	socket.close(fd)
end

local function reads_no_answers(port)
	local fd = connect(port)
	local driver = require "skynet.socketdriver"
	driver.pause(fd)
	for session = 1, 2000 do
		peer.write(fd, peer.request("@main", session) .. skynet.packstring "big")
	end
	check.eventually(function()
		return peer.status "agents" == 0
	end, "the connection is left")
	socket.close(fd)
end

local function silent_connections()
	local _, port = cluster.open(0, 3)
	local silent = {}
	for index = 1, 3 do
		silent[index] = connect(port)
	end
	for index = 1, 3 do
		local fd = connect(port)
		echoes(fd, index)
		check.equal(socket.read(silent[index], 1), false)
		socket.close(silent[index])
		silent[index] = fd
	end
	-- Those that speak stay.
	local late = connect(port)
	check.equal(socket.read(late, 1), false)
	socket.close(late)
	for index = 1, 3 do
		echoes(silent[index], 10 + index)
		socket.close(silent[index])
	end
	check.eventually(function()
		return peer.status "agents" == 0
	end, "all have left")
end

local function many_silent_connections()
	local _, port = cluster.open(0, 20)
	local silent = {}
	for index = 1, 300 do
		silent[index] = connect(port)
	end
	local fd = connect(port)
	echoes(fd, 1)
	check.ok(peer.status "agents" <= 20)
	for _, one in ipairs(silent) do
		socket.close(one)
	end
	socket.close(fd)
end

-- Calls a peer that answers with these packets, in which SESS stands for the session.
local function answered_with(node, ...)
	local packets = { ... }
	peer.listen(node, function(fd)
		for packet in peer.read, fd do
			local session = peer.split(packet)
			for _, answer in ipairs(packets) do
				peer.write(fd, (string.gsub(answer, "SESS", (string.gsub(session, "%%", "%%%%")))))
			end
		end
	end)
	return pcall(cluster.call, node, "@any", "x")
end

local function responses()
	local begin = "SESS\2" .. string.pack("<I4", 40000)
	local ok, err = answered_with("begins", begin, begin, "SESS\3x", "SESS\4x")
	check.equal(ok, false)
	check.match(err, "node begins: a large response began twice$")
	ok, err = answered_with("breaks", begin, "SESS\3x", "SESS\0on purpose")
	check.equal(ok, false)
	check.match(err, "on purpose$")
	ok, err = answered_with("crumbles", begin, string.rep("SESS\3x", 1), "SESS\4x")
	check.equal(ok, false)
	check.match(err, "not as long as announced$")
	check.eventually(function()
		return peer.status "large" == 0
	end, "unfinished responses are dropped")
	-- The second answer is late; one that nobody asked for is logged.
	local five = skynet.packstring(5)
	check.results({ true, 5 }, answered_with("doubles", "SESS\1" .. five, "SESS\1" .. five,
		"\232\3\0\0\1" .. five))
	check.results({ 5 }, cluster.call("doubles", "@any"))
	check.equal(peer.link("doubles").late >= 1, true)
	check.equal(peer.link("doubles").connects, 1)
	check.logs "socket: unknown session : 1000"
end

-- A node that connects and reads nothing: what waits for it is bounded.
local function a_node_that_reads_nothing()
	local driver = require "skynet.socketdriver"
	peer.listen("clogged", function(fd)
		driver.pause(fd)
	end)
	local text = string.rep("x", 30000)
	local excess
	for _ = 1, 5000 do
		cluster.send("clogged", "@any", text)
		local ok, err = pcall(cluster.call_timeout, 1, "clogged", "@any")
		check.equal(ok, false)
		if err:find("MiB wait to be sent", 1, true) then
			excess = err
			break
		end
	end
	check.match(excess, "node clogged .* wait to be sent, the limit is 1 %(cluster_unsent_link%)$")
end

check.main(function()
	local port = peer.serve(function(session, _, name, ...)
		if session ~= 0 then
			skynet.retpack(serve[name](...))
		end
	end)
	a_connection_and_its_memory(port)
	next_second()
	floods(port)
	next_second()
	reads_no_answers(port)
	next_second()
	silent_connections()
	many_silent_connections()
	responses()
	a_node_that_reads_nothing()
end)
