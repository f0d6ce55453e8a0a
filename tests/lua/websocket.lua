-- http.websocket: the server, seen by a client that speaks bytes, and the client, seen by a
-- server that does.

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"
local websocket = require "http.websocket"

local REQUEST = table.concat({
	"GET /chat?room=1 HTTP/1.1",
	"Host: h",
	"Upgrade: WebSocket",
	"Connection: keep-alive, Upgrade",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	"Sec-WebSocket-Version: 13",
	"X-Real-IP: 10.1.2.3",
	"", "",
}, "\r\n")

local SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	.. "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

-- What the server of the current case does, what happened to it, and what accept returned.
local handle, events, outcome

-- Records every event of a connection.
local function recording()
	local record = check.transcript()
	local h = {}
	function h.connect(id)
		assert(not websocket.is_close(id))
		record "connect"
	end
	function h.handshake(_, header, url)
		record("handshake " .. url .. " " .. header.host)
	end
	function h.message(_, text, kind)
		record(kind .. " " .. text)
	end
	function h.ping() record "ping" end
	function h.pong() record "pong" end
	function h.close(_, code, reason)
		record("close " .. tostring(code) .. " " .. tostring(reason))
	end
	function h.error(_, err)
		record("error " .. type(err))
	end
	return h, record
end

local listener, port

local function listen()
	local _
	listener, _, port = socket.listen("127.0.0.1", 0)
	socket.start(listener, function(id, addr)
		outcome = table.pack(websocket.accept(id, handle, "ws", addr))
	end)
end

-- A connection of a client that has sent `request`, with a server as in `recording`; `add(handle)`
-- gives that one more handlers before it accepts.
local function connect(request, add)
	handle, events = recording()
	outcome = nil
	if add then
		add(handle)
	end
	local id = assert(socket.open("127.0.0.1", port))
	socket.write(id, request or REQUEST)
	return id
end

local function upgraded()
	local id = connect()
	check.equal(socket.read(id, #SWITCHED), SWITCHED)
	return id
end

local function accepted(...)
	check.eventually(function() return outcome end, "accept returns")
	check.results({ ... }, table.unpack(outcome, 1, outcome.n))
end

-- A frame of a client; `masked` with 1, 2, 3, 4.
local function frame(first, text, masked)
	if not masked then
		assert(#text < 126)
		return string.char(first, #text) .. text
	end
	local bytes = { text:byte(1, -1) }
	for i = 1, #bytes do
		bytes[i] = string.char(bytes[i] ~ ((i - 1) % 4 + 1))
	end
	return string.char(first, 0x80 | #text, 1, 2, 3, 4) .. table.concat(bytes)
end

local TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8a

local function messages()
	local id = upgraded()
	local text = frame(TEXT, "hello", true) .. frame(BINARY, "\0\1", false) .. frame(TEXT, "")
	for i = 1, #text do
		socket.write(id, text:sub(i, i))
	end
	events:wait(5)
	socket.write(id, frame(0x01, "ab") .. frame(PING, "mid") .. frame(0x00, "cd") .. frame(0x80, "ef"))
	check.equal(socket.read(id, 5), "\x8a\3mid")
	socket.write(id, frame(PONG, "x") .. frame(0x80, "lone"))
	socket.write(id, frame(0x01, "") .. frame(0x00, ""):rep(1000) .. frame(0x80, "last"))
	socket.write(id, frame(0x01, "first") .. frame(0x80, ""))
	events:wait(11)
	socket.write(id, frame(CLOSE, "\3\xe8bye"))
	check.results({ false, "\x88\0" }, socket.read(id, 100))
	socket.close(id)
	accepted(true)
	events:equal("connect handshake /chat?room=1 h text hello binary \0\1 text  ping text abcdef pong "
		.. "frame lone text last text first close 1000 bye")
end

local function bare_close()
	local id = upgraded()
	socket.write(id, frame(CLOSE, "\3\xe8"))
	check.results({ false, "\x88\0" }, socket.read(id, 100))
	socket.close(id)
	accepted(true)
	events:equal "connect handshake /chat?room=1 h close nil nil"
end

local function lost()
	local id = upgraded()
	socket.write(id, frame(TEXT, "half"):sub(1, 4))
	socket.close(id)
	accepted(true)
	events:equal "connect handshake /chat?room=1 h error table"
end

local function the_server_writes()
	local id = connect()
	local server
	function handle.handshake(s)
		server = s
		check.equal(websocket.real_ip(s), "10.1.2.3")
		check.match(websocket.addrinfo(s), "^127%.0%.0%.1:%d+$")
		websocket.write(s, "hello")
		websocket.write(s, ("x"):rep(126), "text")
		websocket.write(s, ("y"):rep(65536), "binary")
		websocket.write(s, "masked", "binary", 0x01020304)
		websocket.ping(s)
	end
	function handle.message(s)
		websocket.close(s, 1000, "bye")
		check.equal(websocket.is_close(s), true)
		check.raises("assertion failed!", websocket.write, s, "x")
		check.raises("assertion failed!", websocket.addrinfo, s)
		websocket.close(s)
	end
	check.equal(socket.read(id, #SWITCHED), SWITCHED)
	check.equal(socket.read(id, 7), "\x81\5hello")
	check.equal(socket.read(id, 130), "\x81\x7e\0\x7e" .. ("x"):rep(126))
	check.equal(socket.read(id, 65546), "\x82\x7f\0\0\0\0\0\1\0\0" .. ("y"):rep(65536))
	check.equal(socket.read(id, 12), "\x82\x86\1\2\3\4" .. "l" .. "c" .. "p" .. "o" .. "d" .. "f")
	check.equal(socket.read(id, 2), "\x89\0")
	socket.write(id, frame(TEXT, "close it"))
	check.results({ false, "\x88\5\3\xe8bye" }, socket.read(id, 100))
	socket.close(id)
	accepted(true)
	check.equal(websocket.is_close(server), true)
	events:equal "connect close nil nil"
end

local function handler_fails()
	local id = connect()
	function handle.message() error "in the handler" end
	check.equal(socket.read(id, #SWITCHED), SWITCHED)
	socket.write(id, frame(TEXT, "x"))
	check.results({ false, "" }, socket.read(id, 100))
	socket.close(id)
	check.eventually(function() return outcome end, "accept returns")
	check.equal(outcome[1], false)
	check.match(outcome[2], "in the handler")
	events:equal "connect handshake /chat?room=1 h"
end

local function too_large(bytes)
	local id = upgraded()
	socket.write(id, bytes)
	check.results({ false, "" }, socket.read(id, 100))
	socket.close(id)
	check.eventually(function() return outcome end, "accept returns")
	check.equal(outcome[1], false)
	check.match(outcome[2], "payload_len is too large")
end

local function limits()
	local id = upgraded()
	local long = ("x"):rep(262144)
	socket.write(id, "\x81\x7f\0\0\0\0\0\4\0\0" .. long)
	check.eventually(function() return #events == 3 end, "a message of the greatest length")
	check.equal(events[3], "text " .. long)
	socket.close(id)
	too_large "\x81\x7f\0\0\0\0\0\4\0\1"
	too_large "\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"
	too_large("\x01\x7f\0\0\0\0\0\4\0\0" .. long .. "\x80\1x")
end

-- A peer that does not read: the handler hears of it, with the connection and a size.
local function slow_reader()
	local warned, paused
	local id = connect(REQUEST, function(handlers)
		function handlers.warning(connection, kib)
			warned = warned or (type(connection) == "table" and kib)
		end
		function handlers.handshake(s)
			check.eventually(function() return paused end, "the peer does not read")
			local text = ("x"):rep(1024 * 1024)
			for _ = 1, 24 do
				websocket.write(s, text)
			end
		end
	end)
	check.equal(socket.read(id, #SWITCHED), SWITCHED)
	socket.pause(id)
	paused = true
	check.eventually(function() return warned end, "a warning")
	check.ok(warned >= 1024)
	socket.close(id)
	accepted(true)
end

local function refused(request, status, text)
	local id = connect(request)
	local _, answer = socket.read(id, 100000)
	socket.close(id)
	accepted(true)
	events:equal "connect close nil nil"
	check.equal(answer:match "^HTTP/1.1 (.-)\r\n", status)
	check.equal(answer:match "\r\n\r\n(.*)$", text)
end

local function refusals()
	local function without(pattern, replacement)
		return (REQUEST:gsub(pattern, replacement or "", 1))
	end
	refused("GET / HTTP/1.1\r\na: " .. ("x"):rep(9000), "413 Request Entity Too Large", "")
	refused(without("GET", "POST"), "400 Bad Request", "need GET method")
	refused(without("1.1", "1.0"), "505 HTTP Version not supported", "")
	refused(without("Host:", "Host"), "400 Bad Request", "")
	refused(without "Upgrade: WebSocket\r\n", "426 ", "Upgrade Required")
	refused(without "Host: h\r\n", "400 Bad Request", "host Required")
	refused(without "keep%-alive, Upgrade", "400 Bad Request", "Connection must Upgrade")
	refused(without "Sec%-WebSocket%-Key: %S+\r\n", "400 Bad Request", "Sec-WebSocket-Key Required")
	refused(without "dGhl", "400 Bad Request", "Sec-WebSocket-Key invalid")
	refused(without("13", "12"), "400 Bad Request", "Sec-WebSocket-Version must 13")
	refused(without("\r\n\r\n", "\r\nSec-WebSocket-Protocol: a, b\r\n\r\n"), "400 Bad Request",
		"Sec-WebSocket-Protocol need include chat")
end

local function protocols_and_early_frames()
	local id = connect((REQUEST:gsub("\r\n\r\n", "\r\nSec-WebSocket-Protocol: a, chat\r\n\r\n"))
		.. frame(TEXT, "early", true))
	events:wait(3)
	check.match(socket.readline(id, "\r\n\r\n"), "\r\nSec%-WebSocket%-Protocol: chat$")
	socket.close(id)
	accepted(true)
	events:equal "connect handshake /chat?room=1 h text early error table"
end

local function not_http()
	local id = connect "hello\r\n\r\n"
	check.results({ false, "" }, socket.read(id, 100))
	socket.close(id)
	check.eventually(function() return outcome end, "accept returns")
	check.equal(outcome[1], false)
	events:equal "connect"
end

local function upgrade_of_others()
	local id = assert(socket.open("127.0.0.1", port))
	handle, events = recording()
	function handle.connect(s)
		-- A second connection, whose request somebody else has read.
		handle.connect = nil
		_ = s
	end
	socket.close(id)
	local header = { upgrade = "websocket", host = "other", connection = "upgrade",
		["sec-websocket-key"] = "dGhlIHNhbXBsZSBub25jZQ==", ["sec-websocket-version"] = "13" }
	local other, _, other_port = socket.listen("127.0.0.1", 0)
	local result
	socket.start(other, function(s)
		socket.start(s)
		result = table.pack(websocket.accept(s, handle, "ws", "addr", { upgrade = { header = header, method = "GET", url = "/up" } }))
	end)
	local c = assert(socket.open("127.0.0.1", other_port))
	check.equal(socket.read(c, #SWITCHED), SWITCHED)
	socket.write(c, frame(TEXT, "x"))
	check.eventually(function() return events[#events] == "text x" end, "the message arrives")
	socket.close(c)
	check.eventually(function() return result end, "accept returns")
	check.equal(result[1], true)
	check.equal(events[#events - 1], "text x")
	check.equal(events[#events - 2], "handshake /up other")
	socket.close(other)
end

-- The client -----------------------------------------------------------------------------------

-- A server that answers the next connection with what `answer(head)` returns.
local function raw_server(answer)
	local id, _, raw_port = socket.listen("127.0.0.1", 0)
	local server = {}
	socket.start(id, function(s)
		socket.start(s)
		server.head = socket.readline(s, "\r\n\r\n")
		server.id = s
		socket.write(s, answer(server.head))
	end)
	return "ws://127.0.0.1:" .. raw_port, server
end

local function good_answer(head)
	local crypt = require "skynet.crypt"
	local key = head:match "Sec%-WebSocket%-Key:(%S+)"
	local accept = crypt.base64encode(crypt.sha1(key .. "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: " .. accept .. "\r\n\r\n"
end

local function client()
	local base, server = raw_server(good_answer)
	local id = websocket.connect(base .. "/path?q=1", { ["X-Own"] = "yes" })
	for _, pattern in ipairs { "^GET /path%?q=1 HTTP/1.1\r\n", "\r\nUpgrade:websocket", "\r\nConnection:Upgrade",
		"\r\nSec%-WebSocket%-Version:13", "\r\nX%-Own:yes", "\r\nHost:127.0.0.1", "\r\nContent%-length:0" } do
		check.match(server.head, pattern)
	end
	check.equal(websocket.addrinfo(id), base:match "//(.*)")
	check.equal(websocket.real_ip(id), nil)
	check.equal(websocket.is_close(id), false)
	socket.write(server.id, frame(TEXT, "one") .. frame(PING, "p") .. frame(PONG, "") .. frame(0x02, "t") .. frame(0x80, "wo"))
	check.equal((websocket.read(id)), "one")
	check.equal((websocket.read(id)), "two")
	websocket.write(id, "masked", "binary", 0x01020304)
	check.raises("assertion failed!", websocket.write, id, "x", "frame")
	socket.write(server.id, frame(CLOSE, "\3\xe8bye"))
	check.results({ false, "\3\xe8bye" }, websocket.read(id))
	check.equal(websocket.is_close(id), true)
	check.raises("assertion failed!", websocket.read, id)
	socket.close(server.id)
end

local function client_loses()
	local base, server = raw_server(good_answer)
	local id = websocket.connect(base)
	check.match(server.head, "^GET / HTTP/1.1\r\n")
	socket.close(server.id)
	local ok, err = pcall(websocket.read, id)
	check.equal(ok, false)
	check.equal(err, require("http.sockethelper").socket_error)
	websocket.close(id)
	check.equal(websocket.is_close(id), true)
	websocket.close(id)
end

local function client_refused()
	local function fails(text, answer, header)
		local base = raw_server(answer)
		check.raises_like(text, websocket.connect, base, header)
	end
	local function changed(pattern, replacement)
		return function(head)
			return (good_answer(head):gsub(pattern, replacement))
		end
	end
	fails("websocket handshake error: code%[403%] info:no", function() return "HTTP/1.1 403 Forbidden\r\n\r\nno" end)
	fails("websocket handshake upgrade must websocket", changed("Upgrade: websocket\r\n", ""))
	fails("websocket handshake connection must upgrade", changed("Connection: upgrade", "Connection: x"))
	fails("websocket handshake need Sec%-WebSocket%-Accept", changed("Sec%-WebSocket%-Accept: %S+\r\n", ""))
	fails("websocket handshake invalid Sec%-WebSocket%-Accept", changed("Accept: %S%S%S%S", "Accept: AAAA"))
	fails("Upgrade", good_answer, { Upgrade = "other" })
	check.raises_like("invalid protocol: ", websocket.connect, "http://127.0.0.1")
end

check.main(function()
	listen()
	messages()
	bare_close()
	lost()
	the_server_writes()
	handler_fails()
	limits()
	slow_reader()
	refusals()
	protocols_and_early_frames()
	not_http()
	upgrade_of_others()
	client()
	client_loses()
	client_refused()
	check.results({ n = 2, false, "invalid socket" }, websocket.accept(123456, {}))
	check.raises("assertion failed!", websocket.ping, 123456)
	websocket.close(123456)
	socket.close(listener)
end)
