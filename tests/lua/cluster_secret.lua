-- The shared secret of cluster links: with this node itself, and with peers that are written here.
--! differs: it has no shared secrets
--! config: cluster_secret = "the new secret of the fleet\nthe old secret of the fleet"
--! config: cluster_connect_timeout = 4
--! no log: whoever can connect
--! log: cluster: refused 127.0.0.1:* no handshake after 4 s
--! log: cluster: refused 127.0.0.1:* it has no shared secret (cluster_secret)
--! log: cluster: refused 127.0.0.1:* "raw": its shared secret is another one (cluster_secret)

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local core = require "skynet.cluster.core"
local native = require "skynet.cluster.native"
local socket = require "skynet.socket"
local peer = require "module.cluster_peer"

local SESSION <const> = 0x7fffffff
local NEW <const>, OLD <const> = "the new secret of the fleet", "the old secret of the fleet"

local port

local function query(message)
	return (core.packrequest(0, SESSION, skynet.pack(message)))
end

local function answer(message)
	return core.packresponse(SESSION, false, message)
end

-- The message of the handshake that comes as a response.
local function read_answer(fd)
	local session, ok, text = core.unpackresponse(check.ok(peer.read(fd), "an answer comes"))
	check.results({ SESSION, false }, session, ok)
	return text
end

-- The message of the handshake that comes as a request.
local function read_query(fd)
	local packet = check.ok(peer.read(fd), "a query comes")
	local address, session, block, size = core.unpackrequest(packet)
	check.results({ 0, SESSION }, address, session)
	local message = skynet.unpack(block, size)
	skynet.trash(block, size)
	return message
end

local function connect()
	return check.ok(socket.open("127.0.0.1", port))
end

local function kind(message)
	return (native.read(message))
end

-- The connection ends behind this refusal.
local function expect_refusal(fd, pattern)
	local what, reason = native.read(read_answer(fd))
	check.equal(what, "refusal")
	check.match(reason, pattern)
	check.equal(peer.read(fd), false)
	socket.close(fd)
end

-- Shakes hands as a caller with these secrets; returns the answer to the proofs.
local function shake_hands(fd, secrets, change)
	local hello = native.hello("raw", "self")
	socket.write(fd, query(hello))
	local challenge = read_answer(fd)
	check.equal(kind(challenge), "challenge")
	socket.write(fd, query((change or native.prove)(secrets, hello, challenge)))
	return hello, challenge
end

local function calls_with_the_secret()
	cluster.reload { self = "127.0.0.1:" .. port }
	check.results({ "hello", 1 }, cluster.call("self", "@main", "hello", 1))
	local long = string.rep("x", 300000)
	check.equal(cluster.call("self", "@main", long), long)
	check.equal(cluster.query("self", "main"), skynet.self())
end

-- A request that is sent when the connection is there.
local function ask(fd)
	socket.write(fd, (core.packrequest("@main", 5, skynet.pack("are you there"))))
	check.equal(peer.read(fd), "\5\0\0\0\1" .. skynet.packstring("are you there"))
	socket.close(fd)
end

local function each_secret_is_good()
	for _, secrets in ipairs { NEW, OLD, NEW .. "\n" .. OLD, "a third one of some length\n" .. OLD } do
		local fd = connect()
		local hello, challenge = shake_hands(fd, secrets)
		check.equal(native.accepted(secrets, hello, challenge, read_answer(fd)), true)
		ask(fd)
	end
end

local function callers_that_are_refused()
	-- Without a secret: the request is answered with an error, then comes the refusal.
	local fd = connect()
	socket.write(fd, (core.packrequest("@main", 7, skynet.pack("let me in"))))
	check.match(peer.read(fd), "^\7\0\0\0\0a shared secret is asked for here.*%(cluster_secret%)$")
	expect_refusal(fd, "cluster_secret")
	-- A push has no answer.
	fd = connect()
	socket.write(fd, (core.packpush("@main", 7, skynet.pack("let me in"))))
	expect_refusal(fd, "cluster_secret")
	-- With another secret.
	fd = connect()
	shake_hands(fd, "a secret of somebody else")
	expect_refusal(fd, "another one %(cluster_secret%)")
	-- What was proved on another connection, and what this end says itself.
	local spoken
	fd = connect()
	shake_hands(fd, NEW, function(...)
		spoken = native.prove(...)
		return spoken
	end)
	check.equal(kind(read_answer(fd)), "accept")
	socket.close(fd)
	fd = connect()
	shake_hands(fd, NEW, function()
		return spoken
	end)
	expect_refusal(fd, "another one %(cluster_secret%)")
	fd = connect()
	local hello = native.hello("raw", "self")
	socket.write(fd, query(hello))
	socket.write(fd, query(read_answer(fd)))
	expect_refusal(fd, "the order of the handshake")
end

local function bytes_that_are_no_handshake()
	for _, bytes in ipairs { "\0\0", "\0\1\5", string.pack(">s2", "\0\0\0\0\0\255\255\255\127"),
		string.pack(">s2", "\4trace"), query "ironsky\0\3", query(string.sub(native.hello("a", "b"), 1, -2)),
		query(native.prove(NEW, "a", "b")), query(native.hello("a", "b")) .. query(native.hello("a", "b")) } do
		local fd = connect()
		socket.write(fd, bytes)
		local last
		repeat
			local packet = peer.read(fd)
			last = packet or last
		until not packet
		check.match(last, "^\255\255\255\127\0ironsky\0\5")
		socket.close(fd)
	end
end

local function slow_callers()
	local before = peer.status "agents"
	local silent, slow = connect(), connect()
	socket.write(slow, string.sub(query(native.hello("slow", "self")), 1, 20))
	check.equal(peer.read(silent), false)
	check.equal(peer.read(slow), false)
	socket.close(silent)
	socket.close(slow)
	check.eventually(function()
		return peer.status "agents" <= before
	end, "their agents end")
end

-- A node that answers as `serve` does; returns the error of a call to it.
local function call_of(node, serve)
	local id, _, own_port = socket.listen("127.0.0.1", 0)
	local connections = 0
	socket.start(id, function(fd)
		connections = connections + 1
		socket.start(fd)
		pcall(serve, fd)
	end)
	cluster.reload { [node] = "127.0.0.1:" .. own_port }
	local ok, text = pcall(cluster.call, node, "@main", "hello")
	check.equal(ok, false)
	socket.close(id)
	check.equal(connections, 1)
	return text
end

local function callees_that_are_refused()
	check.match(call_of("plain", function(fd)
		read_query(fd)
		socket.write(fd, core.packresponse(SESSION, false, "name not found"))
	end), "node plain .*: it does not ask for the shared secret that is set here %(cluster_secret%)$")
	check.match(call_of("guesses", function(fd)
		local hello, challenge = read_query(fd), native.challenge()
		socket.write(fd, answer(challenge))
		local proofs = read_query(fd)
		local secret = "a secret of somebody else"
		check.equal(native.admit(NEW, hello, challenge, proofs) ~= nil, true)
		local own = native.prove(secret, hello, challenge)
		socket.write(fd, answer(native.admit(secret, hello, challenge, own)))
	end), "node guesses .*: its shared secret is another one %(cluster_secret%)$")
	check.match(call_of("mirror", function(fd)
		read_query(fd)
		socket.write(fd, answer(native.challenge()))
		local proofs = read_query(fd)
		socket.write(fd, answer("ironsky\0\4" .. string.sub(proofs, 10, 41)))
	end), "node mirror .*: its shared secret is another one %(cluster_secret%)$")
	check.match(call_of("hasty", function(fd)
		read_query(fd)
		socket.write(fd, answer("ironsky\0\4" .. string.rep("x", 32)))
	end), "node hasty .*: it broke the order of the handshake$")
	check.match(call_of("future", function(fd)
		read_query(fd)
		socket.write(fd, answer("ironsky\0\2\9" .. string.rep("x", 32)))
	end), "node future .*: version 9 of the handshake is not known here$")
	check.match(call_of("refuses", function(fd)
		read_query(fd)
		socket.write(fd, answer(native.refusal "not you"))
	end), "node refuses .*: it refuses this node: not you$")
	check.match(call_of("babbles", function(fd)
		read_query(fd)
		socket.write(fd, string.pack(">s2", "x"))
	end), "node babbles .*: it answered the handshake with something else$")
	check.match(call_of("silent", read_query), "node silent .*: no answer to the shared secret %(cluster_secret%) after 4 s$")
	local link = peer.link "guesses"
	check.equal(link.connects, 0)
	check.match(link.error, "another one %(cluster_secret%)$")
end

-- A node that refuses all the time is not asked all the time.
local function backing_off()
	local connections = 0
	local id, _, own_port = socket.listen("127.0.0.1", 0)
	socket.start(id, function(fd)
		connections = connections + 1
		socket.start(fd)
		read_query(fd)
		socket.write(fd, answer(native.refusal "not you"))
	end)
	cluster.reload { strict = "127.0.0.1:" .. own_port }
	local start = skynet.now()
	for _ = 1, 4 do
		check.equal(pcall(cluster.call, "strict", "@main", "hello"), false)
	end
	check.equal(connections, 4)
	local waited = skynet.now() - start
	check.ok(waited >= 5 + 10 + 20, "4 attempts in " .. waited .. " ticks")
	socket.close(id)
end

local function shown_error()
	local ok, grid = require("skynet.console.commands").run({}, "cluster")
	check.equal(ok, true)
	local lines = table.concat(require("skynet.console.render").text(grid), "\n")
	check.match(lines, "\nstrict .*refuses this node: not you")
end

-- A link that is through keeps its place in a full listener, although nothing was asked on it.
local function strangers_give_way()
	local usual = port
	local _
	_, port = cluster.open(0, 2)
	local function enter()
		local fd = connect()
		local hello, challenge = shake_hands(fd, NEW)
		check.equal(native.accepted(NEW, hello, challenge, read_answer(fd)), true)
		return fd
	end
	local first = enter()
	local stranger = connect()
	local second = enter()
	check.equal(peer.read(stranger), false)
	ask(first)
	ask(second)
	socket.close(stranger)
	port = usual
end

-- How many agents there have been.
local function launched()
	local _, count = string.gsub(check.log(), "LAUNCH snlua clusteragent", "")
	return count
end

-- Strangers cannot fill the log, and cost no agent.
local function log_lines_are_limited()
	local function lines()
		return select(2, string.gsub(check.log(), "it does not speak the protocol", ""))
	end
	local agents, before = launched(), lines()
	local fds, begun = {}, skynet.now()
	for index = 1, 60 do
		fds[index] = connect()
		socket.write(fds[index], "\0\1\5")
	end
	for index = 1, 60 do
		repeat
		until not peer.read(fds[index])
		socket.close(fds[index])
	end
	local written = lines() - before
	-- Ten a second, of the seconds that have begun.
	local most = 10 * ((skynet.now() - begun) // 100 + 2)
	check.ok(written <= most, written .. " lines for 60 strangers")
	check.equal(launched(), agents)
end

check.main(function()
	port = peer.serve()
	calls_with_the_secret()
	each_secret_is_good()
	slow_callers()
	callers_that_are_refused()
	bytes_that_are_no_handshake()
	callees_that_are_refused()
	backing_off()
	shown_error()
	strangers_give_way()
	log_lines_are_limited()
end)
