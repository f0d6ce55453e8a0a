-- More arrives at once than a stream takes: it is paused while somebody waits for a little of that,
-- and goes on when he reads what is left.

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"

local PIECE <const> = string.rep("x", 1 << 20)
local PIECES <const> = 32

check.main(function()
	local received
	local id, _, port = socket.listen("127.0.0.1", 0)
	socket.start(id, function(fd)
		socket.start(fd)
		received = 0
		while true do
			-- As a protocol with a length in front does.
			local head = socket.read(fd, 1)
			local rest = head and socket.read(fd, 204)
			if not rest then
				break
			end
			received = received + 205
		end
		socket.close(fd)
	end)
	local fd = check.ok(socket.open("127.0.0.1", port))
	for _ = 1, PIECES do
		socket.write(fd, PIECE)
	end
	local whole = PIECES * #PIECE // 205 * 205
	check.eventually(function()
		return received == whole
	end, "all is read")
	socket.close(fd)
end)
