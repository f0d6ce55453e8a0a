-- What hostile peers of HTTP and WebSocket cost: their connection, and nothing else.
--! config: http_body_limit = 100000
--! differs: it has fewer limits

local check = require "check"
local site = require "module.http_site"
local skynet = require "skynet"
local socket = require "skynet.socket"
local websocket = require "http.websocket"

local mode = ...

local function bombs(server)
	local function code(text)
		local c = site.connect(server)
		socket.write(c, text)
		local code = site.result(server)
		socket.close(c)
		return code
	end
	check.equal(code("GET / HTTP/1.1\r\n" .. ("a: b\r\n"):rep(2000) .. "\r\n"), 400)
	check.equal(code("GET / HTTP/1.1\r\n" .. ("a: b\r\n"):rep(2000)), 413)
	check.equal(code "POST / HTTP/1.1\r\ncontent-length: 100001\r\n\r\n", 413)
	check.equal(code("POST / HTTP/1.1\r\ncontent-length: " .. ("9"):rep(400) .. "\r\n\r\n"), 413)
	check.equal(code "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", 413)
	check.equal(code("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" .. ("1\r\na\r\n"):rep(100001)), 413)
	check.equal(code("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" .. ("a: b\r\n"):rep(2000)), 413)
	check.equal(code("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n"), 413)
end

local REQUEST = table.concat({ "GET / HTTP/1.1", "Host: h", "Upgrade: websocket", "Connection: Upgrade",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", "" }, "\r\n")

local function websockets()
	local options = {}
	local server = site.listen(function(id)
		return websocket.accept(id, {}, "ws", "addr", options)
	end)
	local function farewell(payload)
		return "\x88" .. string.char(#payload) .. payload
	end
	-- What accept says, and what the peer is sent, when it sends `bytes` after the handshake.
	local function refused(why, bytes, answer)
		local c = site.connect(server)
		socket.write(c, REQUEST)
		socket.readline(c, "\r\n\r\n")
		socket.write(c, bytes)
		local _, got = socket.read(c, 1000)
		check.equal(got, answer or "")
		socket.close(c)
		local ok, err = site.result(server)
		check.equal(ok, false)
		check.match(err, why)
	end
	refused("unknown opcode", "\x83\0")
	refused("control frame", "\x89\x7e\0\x7e" .. ("x"):rep(126))
	refused("control frame", "\x08\0")
	refused("payload_len is too large", "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff")

	options.strict = true
	refused("not masked", "\x81\2hi", farewell("\3\xeaa frame of the client is not masked"))
	refused("not UTF%-8", "\x81\x82\0\0\0\0\xff\xfe", farewell("\3\xefa text is not UTF-8"))
	refused("came first", "\x80\x81\0\0\0\0x", farewell("\3\xeaa continuation came first"))
	options.strict = nil
	socket.close(server.id)
end

-- An IPv6 address in a URL, where the machine has one.
local function ipv6()
	local listening, listener, _, port = pcall(socket.listen, "::1", 0)
	if not listening then
		return
	end
	socket.start(listener, function(id)
		websocket.accept(id, { message = function(s, text) websocket.write(s, text) end })
	end)
	local id = websocket.connect("ws://[::1]:" .. port .. "/")
	websocket.write(id, "six")
	check.equal((websocket.read(id)), "six")
	websocket.close(id)
	socket.close(listener)
end

if mode == "websockets" then
	return check.serve { run = websockets }
end

check.main(function()
	local server = site.listen(site.read_and_close)
	bombs(server)
	ipv6()
	socket.close(server.id)
	-- A service of its own: each logs a line a second at most.
	skynet.call(check.helper "websockets", "lua", "run")
end)
