-- TLS on cluster links: with this node itself, and with peers that are written here.
--! differs: it has no TLS between nodes
--! config: cluster_tls_cert = "@TESTS@/../vectors/tls/server.pem"
--! config: cluster_tls_key = "@TESTS@/../vectors/tls/server-key.pem"
--! config: cluster_tls_ca = "@TESTS@/../vectors/tls/ca.pem"
--! config: cluster_connect_timeout = 4
--! no log: whoever can connect
--! log: cluster: refused 127.0.0.1:* it does not speak TLS (cluster_tls_cert)
--! log: cluster: refused 127.0.0.1:* TLS: peer sent no certificates
--! log: cluster: refused 127.0.0.1:* no handshake after 4 s

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local core = require "skynet.cluster.core"
local ltls = require "ltls.c"
local socket = require "skynet.socket"
local peer = require "module.cluster_peer"

local CERTIFICATE <const> = skynet.getenv "cluster_tls_cert"
local FOLDER <const> = string.match(CERTIFICATE, "^(.*)/")

local port

local function connect()
	return check.ok(socket.open("127.0.0.1", port))
end

-- The context of a caller, with a certificate unless it is false.
local function caller_context(certificate)
	local context = ltls.newctx()
	context:set_peers(FOLDER .. "/ca.pem")
	if certificate ~= false then
		context:set_cert(CERTIFICATE, skynet.getenv "cluster_tls_key")
	end
	return context
end

-- Shakes hands on a connection; returns the session and a function that reads plain text.
local function shake_hands(fd, context)
	local tls = ltls.newtls("client", context, "localhost")
	local bytes = tls:handshake()
	while not tls:finished() do
		socket.write(fd, bytes)
		bytes = tls:handshake(check.ok(socket.read(fd), "the handshake goes on")) or ""
	end
	socket.write(fd, bytes .. tls:write())
	local rest = tls:read()
	local function read(size)
		while #rest < size do
			rest = rest .. tls:read(check.ok(socket.read(fd), "more comes"))
		end
		local text = string.sub(rest, 1, size)
		rest = string.sub(rest, size + 1)
		return text
	end
	return tls, read
end

local function calls_over_tls()
	cluster.reload { self = "127.0.0.1:" .. port, named = "localhost:" .. port }
	check.results({ "hello", 1 }, cluster.call("self", "@main", "hello", 1))
	check.results({ "hello", 2 }, cluster.call("named", "@main", "hello", 2))
	for _, size in ipairs { 32768, 100000, 5000000 } do
		local long = string.rep("x", size)
		check.equal(cluster.call("self", "@main", long), long)
	end
	local calls = {}
	for index = 1, 50 do
		calls[index] = check.background(cluster.call, "self", "@main", index, string.rep("y", 1000 * index))
	end
	for index = 1, 50 do
		check.results({ true, index, string.rep("y", 1000 * index) }, check.outcome(calls[index]))
	end
end

-- Requests that come in pieces of any size, and many in one piece.
local function pieces()
	local fd = connect()
	local tls, read = shake_hands(fd, caller_context())
	local packets = {}
	for index = 1, 20 do
		packets[index] = (core.packrequest("@main", index, skynet.pack(index)))
	end
	local all = table.concat(packets)
	for _, size in ipairs { 1, 7, #all } do
		for at = 1, #all, size do
			socket.write(fd, tls:write(string.sub(all, at, at + size - 1)))
		end
		for _ = 1, 20 do
			local packet = read(string.unpack(">I2", read(2)))
			local session, ok, body = core.unpackresponse(packet)
			check.results({ true, session }, ok, skynet.unpack(body))
		end
	end
	-- Goodbye is answered with the end of the connection.
	socket.write(fd, tls:close())
	repeat
	until not socket.read(fd)
	socket.close(fd)
end

-- What the node says to a peer that sends these bytes, until it closes the connection.
local function said_to(bytes)
	local fd = connect()
	socket.write(fd, bytes)
	local said = socket.readall(fd)
	socket.close(fd)
	return said
end

local function peers_that_do_not_speak_tls()
	local request = core.packrequest("@main", 1, skynet.pack "hello")
	check.match(said_to(request), "^..\255\255\255\127\0ironsky\0\5TLS is asked for here.*cluster_tls_cert")
	check.match(said_to "GET / HTTP/1.1\r\n\r\n", "TLS is asked for here")
	-- What begins as TLS and is none.
	check.equal(string.find(said_to("\22\3\1\0\5hello"), "ironsky", 1, true), nil)
end

local function callers_without_a_certificate()
	local fd = connect()
	local tls = shake_hands(fd, caller_context(false))
	local ok, why
	repeat
		local bytes = socket.read(fd)
		ok, why = pcall(tls.read, tls, bytes or "")
	until not ok or not bytes
	check.equal(ok, false)
	check.match(why, "CertificateRequired")
	socket.close(fd)
end

local function slow_callers()
	local before = peer.status "agents"
	local fd = connect()
	socket.write(fd, string.sub(ltls.newtls("client", caller_context(), "localhost"):handshake(), 1, 20))
	socket.readall(fd)
	socket.close(fd)
	check.eventually(function()
		return peer.status "agents" <= before
	end, "its agent ends")
end

-- A node with a certificate; calls to it are served, or fail with what is returned.
local function call_of(node, certificate)
	local context = caller_context(false)
	context:set_cert(FOLDER .. "/" .. certificate .. ".pem", FOLDER .. "/" .. certificate .. "-key.pem")
	local id, _, own_port = socket.listen("127.0.0.1", 0)
	socket.start(id, function(fd)
		socket.start(fd)
		local tls = ltls.newtls("server", context)
		local text = ""
		repeat
			local bytes = socket.read(fd)
			local ok, answer = pcall(tls.handshake, tls, bytes or "")
			socket.write(fd, ok and answer or not ok and tls:write() or "")
		until not ok or not bytes or tls:finished()
		text = text .. tls:read()
		while #text < 12 do
			text = text .. tls:read(socket.read(fd) or error "it has gone")
		end
		-- The caller asks whether it is welcome.
		check.equal(string.sub(text, 3, 11), "\0\0\0\0\0\255\255\255\127")
		socket.write(fd, tls:write(core.packresponse(0x7fffffff, false, "name not found")))
		socket.write(fd, tls:write "\0\5\1\0\0\0\9" .. tls:close())
	end)
	cluster.reload { [node] = "127.0.0.1:" .. own_port }
	local ok, text = pcall(cluster.call, node, "@main", "hello")
	check.equal(ok, false)
	socket.close(id)
	return text
end

-- The certificate "server" is for this host, "other" for the name "example.invalid".
local function names_of_nodes()
	check.match(call_of("here", "server"), "node here .*: sent something that is no response$")
	check.match(call_of("example.invalid", "other"), "node example.invalid .*: sent something that is no response$")
	check.match(call_of("there", "other"), "node there .*: TLS: invalid peer certificate: certificate not valid for name")
	check.match(call_of("not_a-host!", "other"), "node not_a%-host! .*: TLS: invalid peer certificate")
end

local function a_node_without_tls()
	local id, _, own_port = socket.listen("127.0.0.1", 0)
	socket.start(id, function(fd)
		socket.start(fd)
		socket.read(fd)
		socket.write(fd, core.packresponse(1, false, "what is this?"))
	end)
	cluster.reload { plain = "127.0.0.1:" .. own_port }
	local ok, text = pcall(cluster.call, "plain", "@main", "hello")
	check.equal(ok, false)
	check.match(text, "node plain .*: TLS: received corrupt message")
	socket.close(id)
end

check.main(function()
	port = peer.serve()
	calls_over_tls()
	pieces()
	peers_that_do_not_speak_tls()
	callers_without_a_certificate()
	slow_callers()
	names_of_nodes()
	a_node_without_tls()
end)
