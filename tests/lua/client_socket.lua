-- client.socket: descriptors that block, for clients that test a server.
--! stdin: first line\nsecond line\n
--! stdout: SHUTDOWN * 1
--! status: 1
--! differs: there the end of standard input ends the process before the test has begun

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"
local client = require "client.socket"

check.equal(require "client.socket", client)

local function echo_server()
	local listener, _, port = socket.listen("127.0.0.1", 0)
	socket.start(listener, function(id)
		socket.start(id)
		local text = socket.read(id)
		while text do
			socket.write(id, text)
			text = socket.read(id)
		end
		socket.close(id)
	end)
	return port
end

-- Waits without blocking the worker.
local function receive(fd)
	return check.eventually(function() return client.recv(fd) end, "bytes arrive")
end

check.main(function()
	local port = echo_server()
	local fd = client.connect("127.0.0.1", port)
	check.equal(math.type(fd), "integer")
	check.results({}, client.recv(fd))
	check.results({}, client.send(fd, "hello"))
	check.equal(receive(fd), "hello")
	client.send(fd, "")
	client.send(fd, string.rep("x", 10000))
	local text = ""
	while #text < 10000 do
		local part = receive(fd)
		check.ok(#part <= 4096)
		text = text .. part
	end
	check.results({}, client.usleep(100))
	check.raises("Invalid mode x", client.shutdown, fd, "rx")
	check.raises("mode should be r or/and w", client.shutdown, fd, "")
	client.shutdown(fd, "w")
	check.equal(receive(fd), "")
	client.close(fd)
	check.raises_like("socket error: Bad file descriptor", client.recv, fd)
	check.raises_like("socket error: Bad file descriptor", client.send, fd, "x")
	check.raises("Connect 127.0.0.1 1 failed", client.connect, "127.0.0.1", 1)
	check.raises("Connect localhost 80 failed", client.connect, "localhost", 80)
	check.equal(check.eventually(client.readstdin, "a line is there"), "first line")
	check.equal(check.eventually(client.readstdin, "a line is there"), "second line")
	print "PASS"
	io.stdout:flush()
	-- The end of standard input ends the process.
	check.eventually(function() client.readstdin() end, "the process ends")
end)
