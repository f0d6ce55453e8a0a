-- The stage of tests of cluster links: peers that are written byte by byte, a node that echoes, and
-- what is shown of links.

local skynet = require "skynet"
local cluster = require "skynet.cluster"
local socket = require "skynet.socket"

local peer = {}

function peer.frame(text)
	return string.pack(">s2", text)
end

-- Reads a packet without its length; nothing when the connection ends.
function peer.read(fd)
	local head = socket.read(fd, 2)
	return head and socket.read(fd, (string.unpack(">I2", head)))
end

function peer.write(fd, text)
	return socket.write(fd, peer.frame(text))
end

-- The parts of a request to an address or a name that is not split: session and arguments.
function peer.split(packet)
	local at = 6
	if string.byte(packet) >= 0x80 then
		at = 3 + string.byte(packet, 2)
	end
	return string.sub(packet, at, at + 3), skynet.unpack(string.sub(packet, at + 4))
end

-- A peer that listens under the name of a node and leaves each connection to `serve`. Returns the
-- listening socket.
function peer.listen(node, serve)
	local id, _, port = socket.listen("127.0.0.1", 0)
	socket.start(id, function(fd)
		socket.start(fd)
		serve(fd)
	end)
	cluster.reload { [node] = "127.0.0.1:" .. port }
	return id
end

-- Begins a request by a name: the body follows.
function peer.request(name, session)
	return "\x80" .. string.pack("<s1I4", name, session)
end

-- As `request`, of a body in parts that announces so many bytes.
function peer.large_request(name, session, size)
	return "\x81" .. string.pack("<s1I4I4", name, session, size)
end

-- This service echoes what it is asked, published as @main; it has to dispatch itself when it does
-- more. Returns the port that this node listens on.
function peer.serve(dispatch)
	skynet.dispatch("lua", dispatch or function(_, _, ...)
		skynet.retpack(...)
	end)
	cluster.register "main"
	return (select(2, cluster.open(0)))
end

-- What clusterd says of its links and agents.
function peer.status(field)
	return skynet.call(".clusterd", "lua", "status")[field]
end

-- The state of the link to a node.
function peer.link(node)
	for _, link in ipairs(peer.status "links") do
		if link.node == node then
			return link
		end
	end
end

-- What the Lua state of a service holds, in KiB.
function peer.memory(service)
	skynet.send(service, "debug", "GC")
	return skynet.call(service, "debug", "MEM")
end

return peer
