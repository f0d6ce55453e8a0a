-- Packets behind a 2-byte length on a socket of skynet.socket: what clients of a gate speak.

local socket = require "skynet.socket"

local packets = {}

function packets.send(id, text)
	return socket.write(id, string.pack(">s2", text))
end

-- Returns the next packet, or nil when the connection has ended.
function packets.receive(id)
	local head = socket.read(id, 2)
	if not head then
		return nil
	end
	local size = string.unpack(">I2", head)
	-- A read of no bytes would wait for some.
	return size == 0 and "" or socket.read(id, size) or nil
end

return packets
