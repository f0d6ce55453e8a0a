-- http.sockethelper: sockets as functions that raise one error, whose text is read once.

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"
local sockethelper = require "http.sockethelper"

local socket_error = sockethelper.socket_error

local function the_error()
	check.equal(tostring(socket_error), "[Socket Error]")
	check.equal(socket_error "broken", socket_error)
	check.equal(tostring(socket_error), "[Socket Error] : broken")
	check.equal(tostring(socket_error), "[Socket Error]")
end

local function fails(text, f, ...)
	local ok, err = pcall(f, ...)
	check.equal(ok, false)
	check.equal(err, socket_error)
	check.match(tostring(err), text)
end

-- Two ends of a connection.
local function pair()
	local listener, _, port = socket.listen("127.0.0.1", 0)
	local server
	socket.start(listener, function(id)
		socket.start(id)
		server = id
	end)
	local client = sockethelper.connect("127.0.0.1", port)
	check.eventually(function() return server end, "it is accepted")
	socket.close(listener)
	return client, server
end

local function reading_and_writing()
	local a, b = pair()
	local read, write = sockethelper.readfunc(a), sockethelper.writefunc(b)
	write "hello"
	check.equal(read(2), "he")
	check.equal(read(), "llo")
	local with_rest = sockethelper.readfunc(a, "0123456789")
	check.equal(with_rest(3), "012")
	write "ab"
	check.equal(with_rest(9), "3456789ab")
	check.equal(sockethelper.readfunc(a, "all of it")(), "all of it")
	write "the end"
	sockethelper.close(b)
	check.equal(sockethelper.readall(a), "the end")
	fails("^%[Socket Error%] : read failed fd = " .. a, read, 1)
	sockethelper.close(a)
	fails("^%[Socket Error%] : write failed fd = " .. a, sockethelper.writefunc(a), "x")
end

local function connecting()
	fails("^%[Socket Error%] : connect failed host = 127.0.0.1 port = 1 timeout = nil err = .* is_time_out = ",
		sockethelper.connect, "127.0.0.1", 1)
	fails("timeout = 500 err = Connection refused is_time_out = false", sockethelper.connect, "127.0.0.1", 1, 500)
	local listener, _, port = socket.listen("127.0.0.1", 0)
	local id = sockethelper.connect("127.0.0.1", port, 500)
	check.equal(socket.invalid(id), false)
	sockethelper.shutdown(id)
	socket.close(id)
	socket.close(listener)
end

check.main(function()
	the_error()
	reading_and_writing()
	connecting()
end)
