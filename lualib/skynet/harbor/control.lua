-- The packets between the slaves and the master of a network of harbors: one byte with the length,
-- then packed values. Used by cmaster and cslave.

local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local number = require "skynet.config_number"
local socket = require "skynet.socket"

-- Centiseconds for the first bytes of a connection.
local HANDSHAKE_TIME <const> = 500

-- Centiseconds for which a connection waits for the end of an older one under its number.
local OVERLAP <const> = 100

-- Centiseconds for which the machine at the other end may be silent; 0: as the system has it.
local SILENCE <const> = number("harbor_silence", 60, 100)

local control = {}

-- Lets a connection fail whose other machine has vanished.
function control.watch(fd)
	if SILENCE > 0 then
		driver.silence(fd, SILENCE)
	end
end

-- Writes a packet; returns false when the connection is gone.
function control.write(fd, ...)
	local body = skynet.packstring(...)
	assert(#body < 256, "a packet of harbors has at most 255 bytes")
	return socket.write(fd, string.char(#body) .. body)
end

-- Blocks until a packet is there and returns its values. Returns nothing when the connection has
-- ended or what came is no packet.
function control.read(fd)
	local size = socket.read(fd, 1)
	local body = size and socket.read(fd, string.byte(size))
	if body then
		local values = table.pack(pcall(skynet.unpack, body))
		if values[1] then
			return table.unpack(values, 2, values.n)
		end
	end
end

-- Ends a connection whose other end does not say who it is for a while, unless the function that
-- this returns is called before.
function control.deadline(fd)
	local over = false
	skynet.timeout(HANDSHAKE_TIME, function()
		if not over then
			socket.shutdown(fd)
		end
	end)
	return function()
		over = true
	end
end

-- Connects, within so many centiseconds: the system would look less and less often whether a network
-- is back. Returns nothing when that fails.
function control.open(address, time)
	local ok, fd = pcall(socket.open_timeout, time, address)
	return ok and fd or nil
end

-- Tells whether a value is the number of a node.
function control.is_harbor(value)
	return math.type(value) == "integer" and value >= 1 and value <= 255
end

-- Tells whether this number is connected, and does not leave presently: the end of a node that has
-- been killed may come after the beginning of the next one.
function control.is_taken(connected, id)
	local last = skynet.now() + OVERLAP
	while connected[id] and skynet.now() < last do
		skynet.sleep(1)
	end
	return connected[id] ~= nil
end

-- Tells whether a value is the address of a service.
function control.is_address(value)
	return math.type(value) == "integer" and value >= 1 and value <= 0xffffffff
end

return control
