-- http.httpd: what a server makes of requests, in whatever pieces they come, and what it writes.

local check = require "check"
local httpd = require "http.httpd"

-- A read function over pieces of text. Reading behind the end raises "ended".
local function reader(pieces)
	local rest, at = "", 0
	return function(size)
		while #rest < (size or 1) do
			at = at + 1
			rest = rest .. (pieces[at] or error("ended", 0))
		end
		local text = rest:sub(1, size or -1)
		rest = rest:sub(#text + 1)
		return text
	end
end

local function bytes_of(text)
	local pieces = {}
	for i = 1, #text do
		pieces[i] = text:sub(i, i)
	end
	return pieces
end

local LIMIT = 8192

-- What read_request returns for a request in one piece.
local function read(text)
	return httpd.read_request(reader { text }, LIMIT)
end

local GET = "GET / HTTP/1.1\r\n"

local function request_lines()
	local function line(text)
		local code, url, method = read(text .. "\r\n\r\n")
		return code, method, url
	end
	check.results({ 200, "GET", "/x?y=%20" }, line "GET /x?y=%20 HTTP/1.1")
	check.results({ 200, "get", "/" }, line "get / HTTP/1.0")
	check.results({ 200, "GET", "/a b" }, line "GET   /a b   HTTP/1.1")
	check.results({ 200, "GET", "/ HTTP/1.1" }, line "GET / HTTP/1.1 HTTP/1.0")
	check.results({ n = 3, 505, nil, nil }, line "GET / HTTP/2.0")
	check.results({ n = 3, 505, nil, nil }, line "GET / HTTP/0.9")
	for _, bad in ipairs { "M-SEARCH / HTTP/1.1", "GET /", "GET HTTP/1.1", " GET / HTTP/1.1",
		"GET / HTTP/1.1 ", "GET / HTTP/1.1x", "GET / HTTP/1.1.1", "GET / HTTP/." } do
		local code, err = read(bad .. "\r\n\r\n")
		check.equal(code, nil, bad)
		check.equal(type(err), "string", bad)
	end
	check.equal((read "\r\nGET / HTTP/1.1\r\n\r\n"), nil)
end

local function headers()
	local function header(text)
		local code, _, _, header = read(GET .. text .. "\r\n\r\n")
		return header or code
	end
	check.same(header "Host: h\r\nX-Y:z", { host = "h", ["x-y"] = "z" })
	check.same(header "a: 1\r\nA: 2\r\na:3", { a = { "1", "2", "3" } })
	check.same(header "a:\t v  ", { a = "v  " })
	check.same(header "a: 1\r\n\t2\r\nb:", { a = "12", b = "" })
	check.same(header "a: 1\nb: 2", { a = "1\nb: 2" })
	check.same(header(("N"):rep(500) .. ": 1"), { [("n"):rep(500)] = "1" })
	check.equal(header "no colon", 400)
	check.equal(header "a: 1\r\n continued", 400)
	check.equal(header "\tcontinues nothing", 400)
	check.equal((read "GET / HTTP/3.0\r\nno colon\r\n\r\n"), 505)
end

local function bodies()
	local function body(text)
		local code, _, _, _, body = read("POST / HTTP/1.1\r\n" .. text)
		return body or code
	end
	check.equal(body "\r\n", "")
	check.equal(body "\r\nwhat came", "what came")
	check.equal(body "content-length: 5\r\n\r\nhelloEXTRA", "hello")
	check.equal(body "content-length: 0\r\n\r\nEXTRA", "")
	check.equal(body "content-length: x\r\n\r\nwhat came", "what came")
	check.equal(body "content-length: 2\r\ncontent-length: 2\r\n\r\nabc", "abc")
	check.equal(body "content-length: 8193\r\n\r\n", 413)
	check.equal(body "content-length: 99999999999999999999\r\n\r\n", 413)
	check.equal(body "transfer-encoding: identity\r\ncontent-length: 2\r\n\r\nabc", "ab")
	check.equal(body "transfer-encoding: gzip\r\n\r\n", 501)
	check.equal(body "transfer-encoding: Chunked\r\n\r\n", 501)
	local exact = ("x"):rep(LIMIT)
	check.equal(body("content-length: 8192\r\n\r\n" .. exact), exact)
end

local function chunks()
	local function body(text)
		local code, _, _, header, body = read("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" .. text)
		return body or code, header
	end
	check.equal(body "0\r\n\r\n", "")
	check.equal(body "5\r\nhello\r\n00A\r\n0123456789\r\n0\r\n\r\n", "hello0123456789")
	local text, header = body "1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n"
	check.equal(text, "a")
	check.equal(header["x-sum"], "1")
	for _, bad in ipairs { "zz\r\n\r\n", "5;ext=1\r\nhello\r\n", "\r\n", "2\r\nabX0\r\n", "2329\r\n",
		("1"):rep(200), "7FFFFFFFFFFFFFFF\r\n" } do
		check.equal(body(bad), 413, bad)
	end
	check.equal(body(("1\r\na\r\n"):rep(5000) .. "0\r\n\r\n"), ("a"):rep(5000))
	local half = ("x"):rep(4096)
	check.equal(#body("1000\r\n" .. half .. "\r\n1000\r\n" .. half .. "\r\n0\r\n\r\n"), LIMIT)
	check.equal(body("1000\r\n" .. half .. "\r\n1001\r\nx" .. half .. "\r\n0\r\n\r\n"), 413)
end

local function any_pieces()
	local text = "POST /p HTTP/1.1\r\nContent-Length: 5\r\na: 1\r\na: 2\r\n\r\nhello"
	local want = { 200, "/p", "POST", { ["content-length"] = "5", a = { "1", "2" } }, "hello" }
	check.results(want, httpd.read_request(reader(bytes_of(text))))
	text = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nb\r\n0123456789x\r\n0\r\nt: 1\r\n\r\n"
	local code, _, _, header, body = httpd.read_request(reader(bytes_of(text)))
	check.results({ 200, "abc0123456789x", "1" }, code, body, header.t)
	for i = 1, #text - 1 do
		check.results({ n = 2, nil, "ended" }, httpd.read_request(reader { text:sub(1, i) }))
	end
end

local function long_heads()
	local long = GET .. "a: " .. ("x"):rep(9000)
	check.equal((httpd.read_request(reader { long })), 413)
	check.equal((httpd.read_request(reader(bytes_of(long)))), 413)
end

local function written(...)
	local parts = {}
	local ok, err = httpd.write_response(function(text) parts[#parts + 1] = text end, ...)
	return table.concat(parts), ok, err
end

local function responses()
	check.results({ n = 3, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", true, nil }, written(200, "hi"))
	check.equal((written(404, "")), "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
	check.equal((written(413)), "HTTP/1.1 413 Request Entity Too Large\r\n\r\n")
	check.equal((written(299, "x", { A = "1" })), "HTTP/1.1 299 \r\nA: 1\r\ncontent-length: 1\r\n\r\nx")
	check.equal((written(204, nil, { c = { 1, "2" } })), "HTTP/1.1 204 No Content\r\nc: 1\r\nc: 2\r\n\r\n")
	local pieces, at = { "hello", "", ("x"):rep(20) }, 0
	check.equal(
		(written(200, function() at = at + 1 return pieces[at] end)),
		"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n14\r\n" .. ("x"):rep(20) .. "\r\n0\r\n\r\n"
	)
	local text, ok, err = written(200, 42)
	check.equal(text, "HTTP/1.1 200 OK\r\n")
	check.equal(ok, false)
	check.match(err, "assertion failed!")
	check.results({ false, "broken" }, httpd.write_response(function() error("broken", 0) end, 200, "x"))
end

check.main(function()
	request_lines()
	headers()
	bodies()
	chunks()
	any_pieces()
	long_heads()
	responses()
end)
