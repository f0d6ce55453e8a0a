-- Peers of HTTP, WebSocket and TLS that are too slow: they lose their connection.
--! config: http_head_timeout = 0.2
--! config: tls_handshake_timeout = 0.3
--! config: certfile = "@TESTS@/../vectors/tls/server.pem"
--! config: keyfile = "@TESTS@/../vectors/tls/server-key.pem"
--! config: enablessl = true
--! log: http: connection * closed: its head took too long
--! log: http: connection * closed: its WebSocket handshake took too long
--! log: http: connection * closed: its TLS handshake took too long
--! differs: it has fewer limits

local check = require "check"
local site = require "module.http_site"
local skynet = require "skynet"
local socket = require "skynet.socket"
local sockethelper = require "http.sockethelper"
local tlshelper = require "http.tlshelper"
local websocket = require "http.websocket"
local ltls = require "ltls.c"

local mode = ...

-- A request that never ends; one that has not begun may wait.
local function slow_requests(server)
	local c = site.connect(server)
	socket.write(c, "GET / HT")
	local code, err = site.result(server)
	check.equal(code, nil)
	check.equal(err, sockethelper.socket_error)
	socket.close(c)
	local idle = site.connect(server)
	c = assert(socket.open("127.0.0.1", server.port))
	socket.write(c, "GET / HTTP/1.1\r\n\r\n")
	check.equal((site.result(server)), 200)
	socket.close(c)
	socket.close(idle)
end

-- Who never asks for the upgrade is not waited for.
local function silent_websocket()
	local server = site.listen(function(id)
		return websocket.accept(id, {}, "ws", "addr", {})
	end)
	local c = site.connect(server)
	check.results({ true }, site.result(server))
	socket.close(c)
	socket.close(server.id)
end

-- Peers that say nothing, or half of it.
local function silent_tls()
	local context = ltls.newctx()
	context:set_cert(skynet.getenv "certfile", skynet.getenv "keyfile")
	local server = site.listen(function(id)
		socket.start(id)
		local tls = tlshelper.newtls("server", context)
		local r = table.pack(pcall(tlshelper.init_responsefunc(id, tls)))
		socket.close(id)
		return table.unpack(r, 1, r.n)
	end)
	local hello = ltls.newtls("client", ltls.newctx(), "localhost"):handshake()
	for _, bytes in ipairs { "", hello:sub(1, -2) } do
		local c = site.connect(server)
		socket.write(c, bytes)
		check.results({ false, sockethelper.socket_error }, site.result(server))
		socket.close(c)
	end
	socket.close(server.id)
end

if mode == "websocket" then
	return check.serve { run = silent_websocket }
elseif mode == "tls" then
	return check.serve { run = silent_tls }
end

check.main(function()
	local server = site.listen(site.read_and_close)
	slow_requests(server)
	socket.close(server.id)
	-- Services of their own: each logs a line a second at most.
	skynet.call(check.helper "websocket", "lua", "run")
	skynet.call(check.helper "tls", "lua", "run")
end)
