-- http.httpc: what it sends, what it makes of answers, streams, hosts and timeouts.

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"
local httpc = require "http.httpc"
local sockethelper = require "http.sockethelper"

-- A server that answers each connection with `server.answer` after the head of the request and
-- `server.body` more bytes, and closes unless `server.stay`. It keeps what it was sent.
local server = {}

local function serve(id)
	socket.start(id)
	local head = socket.readline(id, "\r\n\r\n")
	local body = server.body and socket.read(id, server.body) or ""
	server.head, server.got = head, body
	local answer = server.answer
	for _, piece in ipairs(type(answer) == "table" and answer or { answer }) do
		socket.write(id, piece)
		skynet.yield()
	end
	if server.stay then
		-- Until the client closes.
		server.left = socket.readall(id)
	end
	socket.close(id)
	server.closed = true
end

local host

local function answer(text, body)
	server.answer, server.body, server.closed = text, body, false
end

local function lines_of(head)
	local lines = {}
	for line in (head .. "\r\n"):gmatch "(.-)\r\n" do
		lines[#lines + 1] = line
	end
	table.sort(lines)
	return lines
end

local OK = "HTTP/1.1 200 OK\r\n"

local function requests()
	answer(OK .. "A: 1\r\na: 2\r\nContent-Length: 5\r\n\r\nhelloEXTRA")
	local header = {}
	check.results({ 200, "hello" }, httpc.get(host, "/path?x=1", header))
	check.same(header, { a = { "1", "2" }, ["content-length"] = "5" })
	check.equal(server.head:lower(), "get /path?x=1 http/1.1\r\nhost:" .. host .. "\r\ncontent-length:0")

	local own = { ["X-Own"] = "v" }
	check.results({ 200, "hello" }, httpc.request("PUT", "HTTP://" .. host, "/", nil, own))
	check.equal(own.Host, host)
	check.same(lines_of(server.head), { "Content-length:0", "Host:" .. host, "PUT / HTTP/1.1", "X-Own:v" })

	answer(OK .. "content-length: 0\r\n\r\n", 4)
	check.results({ 200, "" }, httpc.request("POST", host, "/", {}, { Host = "h" }, "body"))
	check.same(lines_of(server.head), { "Content-length:4", "Host:h", "POST / HTTP/1.1" })
	check.equal(server.got, "body")

	answer(OK .. "content-length: 0\r\n\r\n", 14)
	local chunked = { Host = "h", ["transfer-encoding"] = "chunked" }
	check.results({ 200, "" }, httpc.request("POST", host, "/", {}, chunked, "4\r\nbody\r\n0\r\n\r\n"))
	check.same(lines_of(server.head), { "Host:h", "POST / HTTP/1.1", "transfer-encoding:chunked" })

	answer(OK .. "content-length: 0\r\n\r\n", 17)
	check.results({ 200, "" }, httpc.post(host, "/form", { ["a b"] = "\xe4&_/1" }))
	check.match(server.head, "content%-type:application/x%-www%-form%-urlencoded")
	check.match(server.head, "Content%-length:17")
	check.equal(server.got, "a%20b=%E4%26_%2F1")
end

local function bodies()
	local function body(head, ...)
		answer { head .. "\r\n", ... }
		return select(2, httpc.get(host, "/"))
	end
	check.equal(body(OK .. "transfer-encoding: chunked\r\n", "5\r\nhel", "lo\r\n3\r\nabc\r\n0\r", "\n\r\n"), "helloabc")
	check.equal(body(OK, "until", " the end"), "until the end")
	check.equal(body("HTTP/1.1 204 No Content\r\n", "no"), "")
	check.equal(body("HTTP/1.1 304 Not Modified\r\n"), "")
	check.equal(body("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n", "no"), "no")
	answer "HTTP/1.1 100 Continue\r\n\r\n"
	check.results({ 100, "" }, httpc.get(host, "/"))
	answer(OK .. "content-length: 1000\r\nX: y\r\n\r\n")
	local header = {}
	check.results({ 200 }, httpc.head(host, "/", header))
	check.equal(header.x, "y")
	check.match(server.head, "^HEAD / ")
end

local function bad_answers()
	local function fails(text, reply)
		answer(reply)
		check.raises_like(text, httpc.get, host, "/")
	end
	fails("Recv header failed", OK .. "a: " .. ("x"):rep(20000))
	fails("Invalid HTTP response header", OK .. "no colon\r\n\r\n")
	fails("Unsupport transfer%-encoding", OK .. "transfer-encoding: gzip\r\n\r\n")
	fails("Invalid response body", OK .. "transfer-encoding: chunked\r\n\r\nzz\r\n")
	fails("", "HTTP/1.1 200\r\n\r\n")
	fails("", "hello\r\n\r\n")
	local function is_lost(reply)
		answer(reply)
		local ok, err = pcall(httpc.get, host, "/")
		check.equal(ok, false)
		check.equal(err, sockethelper.socket_error)
	end
	is_lost(OK)
	is_lost(OK .. "content-length: 10\r\n\r\nshort")
	is_lost(OK .. "transfer-encoding: chunked\r\n\r\n5\r\nab")
end

local function streams()
	local function pieces(text)
		answer(text)
		local list, last = {}, nil
		for piece, stream in httpc.request_stream("GET", host, "/") do
			list[#list + 1] = piece
			last = stream
		end
		check.equal(last.connected, nil)
		return list, last
	end
	local list, stream = pieces(OK .. "transfer-encoding: chunked\r\nA: 1\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nT: 1\r\n\r\n")
	check.same(list, { "ab", "c", "" })
	check.equal(stream.status, 200)
	check.equal(stream.header.a, "1")
	check.equal(stream.header.t, "1")
	check.equal(table.concat((pieces(OK .. "content-length: 5\r\n\r\nhelloEXTRA"))), "hello")
	check.same(pieces "HTTP/1.1 204 No Content\r\n\r\n", { "" })

	answer(OK .. "transfer-encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n")
	local stream <close> = httpc.request_stream("GET", host, "/")
	check.equal(stream.connected, true)
	check.results({ "ab", stream }, stream())
	check.equal((stream:padding()), nil)
	check.equal(stream.connected, false)
	stream:close()
	stream:close()
end

local function hosts()
	local function fails(text, name)
		check.raises_like(text, httpc.get, name, "/")
	end
	fails("Invalid protocol: ftp", "ftp://h")
	fails("Invalid host: bare IPv6 address '::1', use '%[::1%]' instead", "::1")
	fails("Invalid host: bare IPv6 address 'a:b:80', use '%[a:b:80%]' instead", "http://a:b:80")
	local function unreachable(name)
		local ok, err = pcall(httpc.get, name, "/")
		check.equal(ok, false)
		check.equal(err, sockethelper.socket_error)
		return tostring(err)
	end
	check.match(unreachable "127.0.0.1:1", "^%[Socket Error%] : connect failed host = 127.0.0.1 port = 1 timeout = nil err = ")
	check.match(unreachable "[::1]:1", "host = ::1 port = 1 ")
	check.match(unreachable "[::1]", "host = ::1 port = 80 ")
	check.match(unreachable "name.invalid:x", "host = name.invalid:x port = 80 ")
	check.equal(tostring(sockethelper.socket_error), "[Socket Error]")
end

local function timeouts()
	server.stay = true
	answer(OK .. "content-length: 10\r\n\r\nshort")
	httpc.timeout = 10
	local ok, err = pcall(httpc.get, host, "/")
	check.equal(ok, false)
	check.equal(err, sockethelper.socket_error)
	check.eventually(function() return server.closed end, "the client closes")
	httpc.timeout = nil
	server.stay = false
end

check.main(function()
	local id, _, port = socket.listen("127.0.0.1", 0)
	socket.start(id, serve)
	host = "127.0.0.1:" .. port
	requests()
	bodies()
	bad_answers()
	streams()
	hosts()
	timeouts()
	socket.close(id)
end)
