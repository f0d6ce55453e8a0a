-- skynet.socket beyond reading and writing: flow control, limits, closing, handing over, callbacks.

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"

local mode = ...

local listener, port
local accepted = {}

-- A connection: both ends, started here unless told otherwise.
local function pair(unstarted)
	local count = #accepted
	local client = socket.open("127.0.0.1", port)
	local server = check.eventually(function()
		return accepted[count + 1]
	end, "the connection is accepted")
	if not unstarted then
		check.equal(socket.start(server), server)
	end
	return client, server
end

local function close_both(client, server)
	socket.close(client)
	socket.close(server)
	check.equal(socket.invalid(client), true)
	check.equal(socket.invalid(server), true)
end

local function one_reader_a_socket()
	local client, server = pair()
	local first = check.background(socket.readline, server)
	check.raises("assertion failed!", socket.read, server, 1)
	check.raises("assertion failed!", socket.readline, server)
	check.raises("assertion failed!", socket.block, server)
	check.raises("assertion failed!", socket.readall, server)
	socket.write(client, "line\n")
	check.results({ true, "line" }, check.outcome(first))
	close_both(client, server)
end

local function separators()
	local client, server = pair()
	local line = check.background(socket.readline, server, "--end--")
	for piece in ("a-b--end-c--end--rest"):gmatch "." do
		socket.write(client, piece)
		skynet.yield()
	end
	check.results({ true, "a-b--end-c" }, check.outcome(line))
	check.equal(socket.read(server, 4), "rest")
	socket.write(client, "one.two.")
	check.equal(socket.readline(server, "."), "one")
	check.equal(socket.readline(server, "."), "two")
	close_both(client, server)
end

local function what_is_left_at_the_end()
	local client, server = pair()
	socket.write(client, "unfinished")
	socket.close(client)
	check.results({ false, "unfinished" }, socket.readline(server))
	check.results({ false, "" }, socket.readline(server))
	check.results({ false, "" }, socket.read(server, 3))
	check.equal(socket.readall(server), false)
	check.equal(socket.disconnected(server), true)
	check.equal(socket.block(server), false)
	socket.close(server)
	check.equal(socket.disconnected(server), nil)
	check.raises("assertion failed!", socket.read, server, 1)
	check.raises("assertion failed!", socket.readline, server)

	client, server = pair()
	socket.write(client, "0123456789")
	socket.close(client)
	check.eventually(function() return socket.disconnected(server) end, "the end is seen")
	check.equal(socket.read(server, 4), "0123")
	check.equal(socket.readall(server), "456789")
	socket.close(server)

	client, server = pair()
	local all = check.background(socket.readall, server)
	for _ = 1, 10 do
		socket.write(client, "0123456789")
	end
	socket.close(client)
	check.results({ true, string.rep("0123456789", 10) }, check.outcome(all))
	socket.close(server)
end

local function zero_bytes()
	local client, server = pair()
	local some = check.background(socket.read, server, 0)
	socket.write(client, "abc")
	check.results({ true, false, "abc" }, check.outcome(some))
	local blocked = check.background(socket.block, server)
	socket.write(client, "def")
	check.results({ true, true }, check.outcome(blocked))
	check.equal(socket.read(server), "def")
	blocked = check.background(socket.block, server)
	socket.close(client)
	check.results({ true, false }, check.outcome(blocked))
	socket.close(server)
end

-- Unread bytes pause the socket; a read that has to wait resumes it.
local function flow_control()
	local client, server = pair()
	local total = 300 * 1024
	socket.write(client, string.rep("x", total))
	check.eventually(function()
		return check.log():find("Pause socket %(" .. server .. "%) size : %d+")
	end, "the socket is paused")
	local got = 0
	while got < total do
		got = got + #check.ok(socket.read(server))
	end
	local more = check.background(socket.read, server, 4)
	socket.write(client, "more")
	check.results({ true, "more" }, check.outcome(more))
	check.logs("Resume socket %(" .. server .. "%)")
	socket.pause(server)
	check.logs("Pause socket %(" .. server .. "%)\n")
	socket.write(client, "again")
	check.equal(socket.read(server, 5), "again")
	socket.pause(99999)
	close_both(client, server)
end

local function hard_limit()
	local client, server = pair()
	socket.limit(server, 100)
	local line = check.background(socket.readline, server)
	socket.write(client, string.rep("y", 101))
	check.results({ true, false, string.rep("y", 101) }, check.outcome(line))
	check.logged("socket buffer overflow: fd=" .. server .. " size=101")
	check.equal(socket.disconnected(server), true)
	check.equal(socket.read(client), false)
	close_both(client, server)
	check.equal(pcall(socket.limit, 99999, 1), false)
	check.equal(pcall(socket.warning, 99999, print), false)
	-- A read that waits for a size is not limited.
	client, server = pair()
	socket.limit(server, 100)
	local sized = check.background(socket.read, server, 150)
	socket.write(client, string.rep("z", 150))
	check.results({ true, string.rep("z", 150) }, check.outcome(sized))
	close_both(client, server)
end

-- Whoever closes waits until the reader has what is there.
local function closing_under_a_reader()
	local client, server = pair()
	socket.write(client, "half")
	local order = check.transcript()
	local reader = check.background(function()
		local ok, rest = socket.read(server, 100)
		order("read:" .. tostring(ok) .. ":" .. rest)
	end)
	check.eventually(function()
		for _, s in ipairs(socket.netstat()) do
			if s.id == server then
				return s.read == 4
			end
		end
	end, "the bytes are there")
	-- DATA is in the mailbox by now, before what follows.
	skynet.yield()
	socket.close(server)
	order "closed"
	check.outcome(reader)
	order:equal "read:false:half closed"
	check.equal(socket.read(client), false)
	socket.close(client)
end

local function callbacks()
	local closed = check.transcript()
	local client, server = pair()
	socket.onclose(server, function(id)
		closed(id == server and "server" or "other")
	end)
	socket.onclose(client, function()
		closed "removed"
	end)
	socket.onclose(client, nil)
	socket.close(client)
	closed:wait(1)
	socket.close(server)
	closed:equal "server"

	local warnings = check.transcript()
	client, server = pair()
	socket.warning(client, function(id, kib)
		check.equal(id, client)
		warnings(kib)
	end)
	socket.pause(server)
	for _ = 1, 60 do
		socket.write(client, string.rep("w", 256 * 1024))
	end
	warnings:wait(4)
	socket.shutdown(client)
	socket.close(client)
	socket.close(server)
	warnings:equal "1024 2048 4096 8192"
end

-- The default for warnings is a line in the log.
local function warning_lines()
	local client, server = pair()
	socket.pause(server)
	for _ = 1, 60 do
		socket.write(client, string.rep("w", 256 * 1024))
	end
	check.eventually(function()
		return check.log():find("WARNING: 1024 K bytes need to send out (fd = " .. client .. ")", 1, true)
	end, "the warning is logged")
	socket.shutdown(client)
	close_both(client, server)
end

local function handing_over()
	local other = check.helper "echo"
	local client, server = pair(true)
	skynet.call(other, "lua", "take", server)
	socket.write(client, "to the other\n")
	check.equal(socket.readline(client), "to the other")
	skynet.call(other, "lua", "give", server)
	check.equal(socket.start(server), server)
	socket.write(client, "back here\n")
	check.equal(socket.readline(server), "back here")
	-- The sockets of a service that ends are closed.
	local second, taken = pair(true)
	skynet.call(other, "lua", "take", taken)
	skynet.send(other, "lua", "exit")
	check.results({ false, "" }, socket.read(second))
	socket.close(second)

	local waiting = check.background(socket.read, server, 1)
	socket.abandon(server)
	check.results({ true, false, "" }, check.outcome(waiting))
	check.equal(socket.invalid(server), true)
	socket.close_fd(server)
	check.raises("Use socket.close instead", socket.close_fd, client)
	check.equal(socket.read(client), false)
	socket.close(client)
end

local function starting_twice()
	local client, server = pair()
	check.raises("socket is not closed", socket.start, server)
	socket.shutdown(server)
	check.eventually(function() return socket.disconnected(server) end, "it is shut down")
	close_both(client, server)
	check.results({ n = 2, nil, "invalid socket" }, socket.start(server))
	socket.close(server)
	socket.shutdown(server)
	socket.abandon(server)
end

local function netstat()
	local client, server = pair()
	socket.write(client, "12345")
	check.equal(socket.read(server, 5), "12345")
	local types = {}
	for _, s in ipairs(socket.netstat()) do
		types[s.id] = s.type
	end
	check.equal(types[listener], "LISTEN")
	check.equal(types[client], "TCP")
	check.equal(socket.header "\0\1\0", 256)
	close_both(client, server)
end

if mode == "echo" then
	check.serve {
		take = function(id)
			skynet.fork(function()
				socket.start(id)
				local line = socket.readline(id)
				if line then
					socket.write(id, line .. "\n")
				end
			end)
		end,
		give = function(id)
			socket.abandon(id)
		end,
		exit = function()
			skynet.exit()
		end,
	}
else
	check.main(function()
		local address
		listener, address, port = socket.listen("127.0.0.1:0")
		check.equal(address, "127.0.0.1")
		socket.start(listener, function(id)
			accepted[#accepted + 1] = id
		end)
		for _, test in ipairs {
			one_reader_a_socket, separators, what_is_left_at_the_end, zero_bytes, flow_control,
			hard_limit, closing_under_a_reader, callbacks, warning_lines, handing_over,
			starting_twice, netstat,
		} do
			test()
		end
		socket.close(listener)
		check.eventually(function()
			return #socket.netstat() == 0
		end, "all sockets are closed")
	end)
end
