-- socket.open_timeout: connections that are made, that fail, and that are not made in time.
--! differs: not there

local check = require "check"
local socket = require "skynet.socket"

-- A listener whose queue is full: the system drops the first packets of further connections.
local function crowded()
	local id, _, port = socket.listen("127.0.0.1", 0, 1)
	local full = {}
	for index = 1, 2 do
		full[index] = check.ok(socket.open_timeout(1000, "127.0.0.1", port))
	end
	local fd, why = socket.open_timeout(2, "127.0.0.1", port)
	check.equal(fd, nil)
	check.equal(why, "no connection after 0.02 s")
	for _, fd in ipairs(full) do
		socket.close(fd)
	end
	socket.close(id)
	return port
end

check.main(function()
	local port = crowded()
	local none, why = socket.open_timeout(100, "127.0.0.1:" .. port)
	check.equal(none, nil)
	check.equal(why, "Connection refused")
	-- The time is over when the connection has been closed, and when it is in use.
	local id, _, open = socket.listen("127.0.0.1", 0)
	socket.start(id, function(fd)
		socket.start(fd)
		socket.write(fd, socket.read(fd, 2))
	end)
	local fd = socket.open_timeout(1, "127.0.0.1", open)
	if fd then
		require "skynet".sleep(2)
		socket.write(fd, "hi")
		check.equal(socket.read(fd, 2), "hi")
		socket.close(fd)
	end
	socket.close(id)
end)
