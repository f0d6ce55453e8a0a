-- A name server for the tests of skynet.dns: answers each question as a function says.

local check = require "check"
local socket = require "skynet.socket"

local name_server = {}

local function pack_name(name)
	return (name:gsub("([^.]+)%.?", function(label)
		return string.pack("s1", label)
	end)) .. "\0"
end

local function unpack_name(packet, at)
	local labels = {}
	while true do
		local label, next_at = string.unpack("s1", packet, at)
		at = next_at
		if label == "" then
			return table.concat(labels, "."), at
		end
		labels[#labels + 1] = label
	end
end

-- Writes an answer; records are { kind, seconds, data }, and their name points to the question's.
function name_server.answer(id, name, kind, records)
	local parts = { string.pack(">I2I2I2I2I2I2", id, 0x8180, 1, #records, 0, 0) }
	parts[2] = pack_name(name) .. string.pack(">I2I2", kind, 1)
	for _, record in ipairs(records) do
		local head = string.pack(">I2I2I2I4", 0xc00c, record[1], 1, record[2])
		parts[#parts + 1] = head .. string.pack(">s2", record[3])
	end
	return table.concat(parts)
end

function name_server.a(seconds, a, b, c, d)
	return { 1, seconds, string.char(a, b, c, d) }
end

-- Starts one: respond(id, name, kind) returns the packets to send. Returns its port.
function name_server.start(respond)
	local port = check.free_port()
	local server
	server = socket.udp(function(packet, from)
		local id = string.unpack(">I2", packet)
		local name, at = unpack_name(packet, 13)
		local kind = string.unpack(">I2", packet, at)
		for _, bytes in ipairs { respond(id, name, kind) } do
			socket.sendto(server, from, bytes)
		end
	end, "127.0.0.1", port)
	return port
end

return name_server
