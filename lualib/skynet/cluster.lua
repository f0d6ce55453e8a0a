-- Calls of services on other nodes, which are known by name. The service clusterd does the work.

local skynet = require "skynet"

local cluster = {}

local clusterd

-- node -> the service that sends to it
local senders = {}

-- node -> what waits for its sender, in order: { co = coroutine } for a call, and the arguments
-- { address, msg, size } of a push
local queues = {}

-- Gets the sender of a node, and then serves the queue, which may grow meanwhile.
local function serve(node, queue)
	local ok, sender, text = pcall(skynet.call, clusterd, "lua", "sender", node)
	if not ok then
		sender, text = nil, sender
	end
	if not sender then
		-- Who calls again after the error gets another lookup.
		queues[node] = nil
	end
	local at = 1
	while queue[at] do
		local entry = queue[at]
		at = at + 1
		if entry.co then
			entry.sender, entry.error, entry.done = sender, text, true
			skynet.wakeup(entry.co)
			-- It sends its request now, before what comes behind it in the queue.
			skynet.yield()
		elseif sender then
			skynet.send(sender, "lua", "push", table.unpack(entry, 1, 3))
		else
			skynet.trash(entry[2], entry[3])
		end
	end
	if sender then
		queues[node], senders[node] = nil, sender
	end
end

local function enqueue(node, entry)
	local queue = queues[node]
	if queue then
		table.insert(queue, entry)
	else
		queue = { entry }
		queues[node] = queue
		skynet.fork(serve, node, queue)
	end
end

-- Blocks until the sender is known. The caller sends its request without yielding before.
local function sender_of(node)
	local sender = senders[node]
	if sender then
		return sender
	end
	local turn = { co = coroutine.running() }
	enqueue(node, turn)
	repeat
		skynet.wait(turn.co)
	until turn.done
	return turn.sender, turn.error
end

local function results(node, ok, ...)
	if not ok then
		error(string.format("cluster call to node %s failed: %s", node, (...)), 3)
	end
	return ...
end

-- Calls a service of another node: `address` is a number, "@registered" or ".local". Blocks until
-- the answer is there. Raises a text with the node and the reason when there will be none.
function cluster.call(node, address, ...)
	-- What the arguments are now is sent, also when the node has to be found first.
	local msg, size = skynet.pack(...)
	local sender, text = sender_of(node)
	if not sender then
		skynet.trash(msg, size)
		error(string.format("cluster call to node %s failed: %s", tostring(node), text), 2)
	end
	return results(node, skynet.call(sender, "lua", "call", address, msg, size))
end

-- Sends to a service of another node; whether it arrives is not told.
function cluster.send(node, address, ...)
	local sender = senders[node]
	local msg, size = skynet.pack(...)
	if sender then
		skynet.send(sender, "lua", "push", address, msg, size)
	else
		enqueue(node, { address, msg, size })
	end
end

-- Opens a port for other nodes: a number on all addresses, or the name of a node whose configured
-- address is listened on. Returns the real address and port, or the name.
function cluster.open(port, max)
	if type(port) == "string" then
		skynet.call(clusterd, "lua", "listen", port, nil, max)
		return port
	end
	return skynet.call(clusterd, "lua", "listen", "0.0.0.0", port, max)
end

-- Sets nodes from a table, or from the file of the config key `cluster` again.
function cluster.reload(config)
	skynet.call(clusterd, "lua", "reload", config)
end

-- The address of a local service that stands for `name` on `node`. With one argument, "node@name"
-- or "node.name".
function cluster.proxy(node, name)
	if name == nil then
		local at = string.find(node, "[@.]")
		if at then
			node, name = string.sub(node, 1, at - 1), string.sub(node, at)
		end
	end
	return skynet.call(clusterd, "lua", "proxy", node, name)
end

-- A snax object that stands for a snax service of another node, which has called
-- `snax.enablecluster`. Without an address: its unique service of that name.
function cluster.snax(node, name, address)
	local snax = require "skynet.snax"
	address = address or cluster.call(node, ".service", "QUERY", "snaxd", name)
	return snax.bind(skynet.call(clusterd, "lua", "proxy", node, address), name)
end

-- Publishes a service of this node, by default the caller, as "@name".
function cluster.register(name, address)
	assert(type(name) == "string", "the name must be a string")
	assert(address == nil or type(address) == "number", "the address must be a number")
	skynet.call(clusterd, "lua", "register", name, address or skynet.self())
end

-- Withdraws a name.
function cluster.unregister(name)
	assert(type(name) == "string", "the name must be a string")
	skynet.call(clusterd, "lua", "unregister", name)
end

-- Returns the address that another node has published under a name. Raises when it has not.
function cluster.query(node, name)
	local sender, text = sender_of(node)
	if not sender then
		error(string.format("cluster query of node %s failed: %s", tostring(node), text), 2)
	end
	local msg, size = skynet.pack(name)
	return results(node, skynet.call(sender, "lua", "call", 0, msg, size))
end

-- Returns the local service that sends to a node, nil when it cannot be reached. Blocks meanwhile.
function cluster.get_sender(node)
	return (sender_of(node))
end

skynet.init(function()
	clusterd = skynet.uniqueservice "clusterd"
end)

return cluster
