-- Writes the packets of a service to its connection: those that it makes while more messages wait
-- for it go out together. A packet that nothing follows is written at once.

local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local tls = require "skynet.cluster.tls"

local send = tls.on and tls.send or driver.send
local lsend = tls.on and tls.lsend or driver.lsend

local writer = {}

local socket

-- Packets that wait for the end of the messages that are there now.
local held = {}

local function flush()
	if #held > 0 then
		local packets = held
		held = {}
		send(socket, packets)
	end
end

-- From now on this is the socket; what was held for another one is dropped with it.
function writer.open(id)
	socket, held = id, {}
end

function writer.write(packet)
	if #held > 0 then
		table.insert(held, packet)
	elseif skynet.mqlen() == 0 then
		send(socket, packet)
	else
		held[1] = packet
		-- Comes behind the messages that wait now.
		skynet.timeout(0, flush)
	end
end

-- Writes the packets of a large message, which packets that come later may overtake (not with TLS).
function writer.write_parts(packets)
	flush()
	for _, packet in ipairs(packets) do
		lsend(socket, packet)
	end
end

return writer
