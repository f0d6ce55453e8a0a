-- skynet.socket: listening, connecting, reading and writing.

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"

-- Listens on a free port; `serve(id)` runs for each connection. Returns the listener and the port.
local function listen(serve)
	local id, address, port = socket.listen("127.0.0.1", 0)
	check.equal(address, "127.0.0.1")
	socket.start(id, function(newid, peer)
		check.match(peer, "^127%.0%.0%.1:%d+$")
		socket.start(newid)
		serve(newid)
	end)
	return id, port
end

local function echo_lines(id)
	while true do
		local line = socket.readline(id)
		if not line then
			break
		end
		socket.write(id, line .. "\n")
	end
	socket.close(id)
end

local function lines()
	local listener, port = listen(echo_lines)
	local id = socket.open("127.0.0.1", port)
	for i = 1, 100 do
		socket.write(id, "line " .. i .. "\n")
		check.equal(socket.readline(id), "line " .. i)
	end
	socket.write(id, "a\nb\nc\n")
	check.equal(socket.readline(id), "a")
	check.equal(socket.readline(id), "b")
	check.equal(socket.readline(id), "c")
	socket.close(id)
	check.equal(socket.invalid(id), true)
	socket.close(listener)
end

local function sizes()
	local listener, port = listen(function(id)
		socket.write(id, "0123456789")
		socket.write(id, { "ab", 12, "cd" })
		socket.close(id)
	end)
	local id = socket.open("127.0.0.1:" .. port)
	check.equal(socket.read(id, 4), "0123")
	check.equal(socket.read(id, 10), "456789ab12")
	check.results({ false, "cd" }, socket.read(id, 3))
	check.results({ false, "" }, socket.read(id))
	check.equal(socket.disconnected(id), true)
	socket.close(id)
	socket.close(listener)
end

local function big()
	local text = string.rep("0123456789abcdef", 1 << 18)
	local listener, port = listen(function(id)
		local all = socket.read(id, #text)
		check.equal(#all, #text)
		check.ok(all == text)
		socket.close(id)
	end)
	local id = socket.open("127.0.0.1", port)
	socket.write(id, text)
	socket.close(id)
	check.eventually(function()
		return #socket.netstat() == 1
	end, "all but the listener are closed")
	socket.close(listener)
end

local function failures()
	local port = check.free_port()
	check.results({ n = 2, nil, "Connection refused" }, socket.open("127.0.0.1", port))
	check.results({ n = 2, nil, "invalid socket" }, socket.start(12345))
end

check.main(function()
	lines()
	sizes()
	big()
	failures()
end)
