-- ltls.c, http.tlshelper, https and wss: both ends, trust, hostile peers.
--! config: certfile = "@TESTS@/../vectors/tls/server.pem"
--! config: keyfile = "@TESTS@/../vectors/tls/server-key.pem"
--! config: tls_ca = "@TESTS@/../vectors/tls/ca.pem"
--! config: enablessl = true
--! differs: it is built without TLS

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"
local httpc = require "http.httpc"
local httpd = require "http.httpd"
local ltls = require "ltls.c"
local sockethelper = require "http.sockethelper"
local tlshelper = require "http.tlshelper"
local websocket = require "http.websocket"

local CERTIFICATE, KEY = skynet.getenv "certfile", skynet.getenv "keyfile"
local FOLDER = CERTIFICATE:match "^(.*)/"

local function server_context(certificate, key)
	local context = ltls.newctx()
	context:set_cert(certificate or CERTIFICATE, key or KEY)
	return context
end

-- Gives a session bytes in the way that fits its state; returns its answer.
local function step(tls, bytes)
	if tls:finished() then
		check.equal(tls:read(bytes), "")
		return tls:write()
	end
	return tls:handshake(bytes)
end

-- Passes bytes between two sessions until both have shaken hands.
local function shake_hands(client, server)
	local bytes = client:handshake()
	while bytes and bytes ~= "" do
		bytes = step(server, bytes)
		bytes = bytes and step(client, bytes)
	end
	check.equal(client:finished(), true)
	check.equal(server:finished(), true)
end

local function sessions()
	local client = ltls.newtls("client", ltls.newctx(), "localhost")
	local server = ltls.newtls("server", server_context())
	check.equal(client:finished(), false)
	check.equal(client:set_ext_host_name "127.0.0.1", 1)
	shake_hands(client, server)
	check.equal(client:set_ext_host_name "late", 0)
	check.raises("handshake is finished", client.handshake, client)
	check.raises("handshake is finished", server.handshake, server, "x")
	local secret = client:write "secret"
	check.equal(secret:find "secret", nil)
	check.equal(server:read(secret:sub(1, 5)), "")
	check.equal(server:read(secret:sub(6)), "secret")
	check.equal(server:read(), "")
	local long = ("x"):rep(100000)
	check.equal(client:read(server:write(long)), long)
	check.raises_like("SSL_read error:", server.read, server, "\23\3\3\0\5hello")
	check.equal(client:alpn(), nil)
	client:close()
	for _, name in ipairs { "handshake", "finished", "read", "write" } do
		check.raises("context is closed", client[name], client)
	end
	check.equal(client:close(), nil)
end

local function contexts()
	local context = ltls.newctx()
	check.raises("need certfile", context.set_cert, context)
	check.raises("need private key", context.set_cert, context, CERTIFICATE)
	check.raises_like("SSL_CTX_use_certificate_chain_file error:.*nothing.pem", context.set_cert, context, "nothing.pem", KEY)
	check.raises_like("SSL_CTX_use_PrivateKey_file error:.*nothing.pem", context.set_cert, context, CERTIFICATE, "nothing.pem")
	check.raises_like("SSL_CTX_check_private_key error:", context.set_cert, context, CERTIFICATE, FOLDER .. "/other-key.pem")
	check.raises("need cipher list", context.set_ciphers, context)
	check.raises("no known cipher in 'nonsense'", context.set_ciphers, context, "nonsense")
	context:set_ciphers "ECDHE-RSA-AES128-GCM-SHA256:nonsense"
	check.raises("invalid method:neither e.g[server, client]", ltls.newtls, "neither", context)
	check.raises_like("no certificate", ltls.newtls, "server", context)
	check.raises_like("expected", ltls.newtls, "client", {})
	check.raises_like("nothing.pem", context.set_ca, context, "nothing.pem")

	local offering, choosing = ltls.newctx(), server_context()
	offering:set_alpn("h2", "http/1.1")
	choosing:set_alpn "http/1.1"
	local client, server = ltls.newtls("client", offering, "localhost"), ltls.newtls("server", choosing)
	shake_hands(client, server)
	check.results({ "http/1.1", "http/1.1" }, client:alpn(), server:alpn())
	-- A finalizer that is called by hand leaves an empty object.
	getmetatable(client).__gc(client)
	check.raises("context is closed", client.finished, client)
	getmetatable(server).__gc(context)
	check.equal(server:finished(), true)
end

-- Listens; each connection is served as `serve(id)` in a coroutine of its own.
local function listen(serve)
	local id, _, port = socket.listen("127.0.0.1", 0)
	socket.start(id, serve)
	return "127.0.0.1:" .. port, id
end

-- An HTTPS server that answers with the body it was sent, and keeps its errors.
local function https_server(context)
	local failures = {}
	local host, id = listen(function(id)
		socket.start(id)
		local ok, err = pcall(function()
			local tls = tlshelper.newtls("server", context)
			tlshelper.init_responsefunc(id, tls)()
			local read, write = tlshelper.readfunc(id, tls), tlshelper.writefunc(id, tls)
			while true do
				local code, _, _, _, body = httpd.read_request(read)
				if code ~= 200 then
					break
				end
				httpd.write_response(write, 200, body)
			end
			tlshelper.closefunc(tls)()
		end)
		failures[#failures + 1] = not ok and err or nil
		socket.close(id)
	end)
	return host, failures, id
end

local function https()
	local host, _, id = https_server(server_context())
	check.results({ 200, "" }, httpc.get("https://" .. host, "/"))
	local long = ("0123456789"):rep(30000)
	check.results({ 200, long }, httpc.request("POST", "https://" .. host, "/", nil, nil, long))
	check.results({ 200, "" }, httpc.get("HTTPS://localhost:" .. host:match ":(%d+)", "/"))
	local pieces = {}
	for piece in httpc.request_stream("POST", "https://" .. host, "/", nil, nil, long) do
		pieces[#pieces + 1] = piece
	end
	check.equal(table.concat(pieces), long)
	socket.close(id)
end

-- A peer that says goodbye and waits: the reader gets all, then the error of an ended connection.
local function farewell()
	local done
	local host, id = listen(function(id)
		socket.start(id)
		local tls = tlshelper.newtls("server", server_context())
		tlshelper.init_responsefunc(id, tls)()
		socket.write(id, tls:write "last words" .. tls:close())
		done = socket.readall(id)
		socket.close(id)
	end)
	local c = assert(socket.open(host))
	local tls = tlshelper.newtls("client", tlshelper.newctx(), "localhost")
	tlshelper.init_requestfunc(c, tls)()
	local read = tlshelper.readfunc(c, tls)
	check.equal(read(4) .. read(6), "last words")
	check.results({ false, sockethelper.socket_error }, pcall(read))
	check.equal(tlshelper.readallfunc(c, tls)(), "")
	tlshelper.closefunc(tls)()
	socket.close(c)
	check.eventually(function() return done end, "the server sees the end")
	socket.close(id)
end

local function trust()
	local other = server_context(FOLDER .. "/other.pem", FOLDER .. "/other-key.pem")
	local host, failures, id = https_server(other)
	check.raises_like("SSL_do_handshake error:invalid peer certificate", httpc.get, "https://" .. host, "/")
	-- The server was told.
	check.eventually(function() return failures[1] end, "the server fails")
	check.match(tostring(failures[1]), "alert")
	-- Whoever does not ask gets anything.
	local context = ltls.newctx()
	context:set_verify(false)
	local client, server = ltls.newtls("client", context), ltls.newtls("server", other)
	shake_hands(client, server)
	socket.close(id)
end

-- What the server says when a peer sends `bytes` and stays.
local function hostile(bytes)
	local host, failures, id = https_server(server_context())
	local c = assert(socket.open(host))
	socket.write(c, bytes)
	check.eventually(function() return failures[1] end, "the server fails")
	socket.close(c)
	socket.close(id)
	return failures[1]
end

local function hostile_peers()
	check.match(hostile "GET / HTTP/1.1\r\n\r\n", "SSL_do_handshake error:")
	check.match(hostile("\22\3\1\xff\xff" .. ("\1"):rep(100)), "SSL_do_handshake error:")
end

local function wss()
	local result
	local host, id = listen(function(id, addr)
		local handle = {}
		function handle.message(s, text)
			websocket.write(s, text .. "!", "binary")
		end
		result = table.pack(websocket.accept(id, handle, "wss", addr))
	end)
	local c = websocket.connect("wss://" .. host .. "/path")
	for _, text in ipairs { "hello", "", ("x"):rep(100000) } do
		websocket.write(c, text)
		check.equal((websocket.read(c)), text .. "!")
	end
	websocket.close(c, 1000, "bye")
	check.eventually(function() return result end, "accept returns")
	check.results({ true }, table.unpack(result))
	-- A plain client, and no client at all.
	result = nil
	check.equal(pcall(websocket.connect, "ws://" .. host), false)
	check.eventually(function() return result end, "accept returns")
	check.equal(result[1], false)
	check.match(result[2], "SSL_do_handshake error:")
	socket.close(id)
end

check.main(function()
	require("ltls.init.c").constructor()
	sessions()
	contexts()
	https()
	farewell()
	trust()
	hostile_peers()
	wss()
end)
