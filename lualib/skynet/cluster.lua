-- Calls of services on other nodes, which are known by name. The service clusterd does the work.

local skynet = require "skynet"

local cluster = {}

local clusterd

-- The longest time limit in centiseconds, about as long as for ever.
local LIMIT_MAX <const> = 1 << 40

-- node -> the service that sends to it
local senders = {}

-- node -> what waits for its sender, in order: { co = coroutine } for a call, and the arguments
-- { address, msg, size } of a push, each with the bytes that it holds. `late` counts the calls in it
-- that wait no more, `bytes` is what the others hold.
local queues = {}

-- What an entry holds beside its arguments, roughly.
local COST <const> = 512

-- Made when something waits.
local settings, log

-- Returns why nothing more can wait for the sender of a node, or nil.
local function excess(node)
	local queue = queues[node]
	if not queue then
		return nil
	end
	settings = settings or require "skynet.cluster.settings"
	if queue.bytes >= settings.unsent_link then
		return string.format("node %s: %d MiB wait until it is known where it is and a connection is made, "
			.. "the limit is %d (cluster_unsent_link)", node, queue.bytes >> 20, settings.unsent_link >> 20)
	end
end

local function drop_push(text, msg, size)
	skynet.trash(msg, size)
	log = log or require "skynet.limited_log"()
	log("cluster: a push is dropped: " .. text)
end

-- Gets the sender of a node, and then serves the queue, which may grow meanwhile.
local function serve(node, queue)
	-- Those who wait have time limits of their own.
	local ok, sender, text = pcall(skynet.call_timeout, 0, clusterd, "lua", "sender", node)
	if not ok then
		sender, text = nil, sender
	end
	queue.served = true
	if not sender then
		-- Who calls again after the error gets another lookup.
		queues[node] = nil
	end
	local at = 1
	while queue[at] do
		local entry = queue[at]
		at = at + 1
		if not entry.late then
			queue.bytes = queue.bytes - entry.bytes
		end
		if entry.late then
			-- Its caller has got an error.
		elseif entry.co then
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

-- Returns the queue that the entry, with arguments of so many bytes, is in now.
local function enqueue(node, entry, size)
	local queue = queues[node]
	entry.bytes = size + COST
	if queue then
		table.insert(queue, entry)
	else
		queue = { entry, late = 0, bytes = 0 }
		queues[node] = queue
		skynet.fork(serve, node, queue)
	end
	queue.bytes = queue.bytes + entry.bytes
	return queue
end

-- A call waits no more. A queue that waits for long holds as many of those as others at most.
local function leave(queue, turn)
	turn.late = true
	queue.late = queue.late + 1
	queue.bytes = queue.bytes - turn.bytes
	if queue.served or 2 * queue.late < #queue then
		return
	end
	local kept = 0
	for at = 1, #queue do
		local entry = queue[at]
		queue[at] = nil
		if not entry.late then
			kept = kept + 1
			queue[kept] = entry
		end
	end
	queue.late = 0
end

-- Blocks until the sender is known, at most until the time `deadline` if there is one; `size` is what
-- the caller has to send. It sends its request without yielding before. Returns nil and a text
-- without a sender, and no text when it is too late.
local function sender_of(node, size, deadline)
	local sender = senders[node]
	if sender then
		return sender
	end
	local text = excess(node)
	if text then
		return nil, text
	end
	local turn = { co = coroutine.running() }
	local queue = enqueue(node, turn, size)
	repeat
		if deadline == nil then
			skynet.wait(turn.co)
		elseif deadline > skynet.now() then
			skynet.sleep(deadline - skynet.now(), turn.co)
		else
			leave(queue, turn)
			return nil
		end
	until turn.done
	return turn.sender, turn.error
end

-- Called as the last thing that a function of the API does, so the error is its caller's.
local function results(node, ok, ...)
	if not ok then
		error(string.format("cluster call to node %s failed: %s", tostring(node), (...)), 2)
	end
	return ...
end

local function late(address, limit)
	local service = math.type(address) == "integer" and skynet.address(address) or tostring(address)
	return string.format("service %s timed out: no answer for %.2f s", service, limit / 100)
end

-- The outcome of a call with a deadline; `asked`: it did not raise.
local function timely(deadline, address, limit, asked, ...)
	if asked then
		return ...
	elseif skynet.now() < deadline then
		return false, (...)
	end
	return false, late(address, limit)
end

-- Sends a packed request, and waits for the answer: `limit` centiseconds at most, for ever when it
-- is 0 or less. Returns true and the results, or false and what went wrong.
local function request(limit, node, address, msg, size)
	local deadline = limit > 0 and skynet.now() + math.min(limit, LIMIT_MAX) or nil
	local sender, text = sender_of(node, size, deadline)
	if not sender then
		skynet.trash(msg, size)
		return false, text or late(address, limit)
	elseif not deadline then
		return skynet.call_timeout(0, sender, "lua", "call", address, msg, size)
	end
	-- The sender gives the request up at the deadline, too.
	local left = math.max(deadline - skynet.now(), 1)
	return timely(deadline, address, limit,
		pcall(skynet.call_timeout, left, sender, "lua", "call", address, msg, size, deadline))
end

-- Calls a service of another node: `address` is a number, "@registered" or ".local". Blocks until
-- the answer is there. Raises a text with the node and the reason when there will be none, and when
-- the time limit of the service's calls (`skynet.call_limit`) is over.
function cluster.call(node, address, ...)
	-- What the arguments are now is sent, also when the node has to be found first.
	return results(node, request(skynet.call_limit(), node, address, skynet.pack(...)))
end

-- As `call`, with a time limit of its own in centiseconds, from now on: finding the node and
-- connecting count. 0 and less stand for none.
function cluster.call_timeout(limit, node, address, ...)
	if math.type(limit) ~= "integer" then
		error(string.format("the time limit is an integer, not %s", tostring(limit)), 2)
	end
	return results(node, request(limit, node, address, skynet.pack(...)))
end

-- Sends to a service of another node; whether it arrives is not told.
function cluster.send(node, address, ...)
	local sender = senders[node]
	local msg, size = skynet.pack(...)
	local text = not sender and excess(node)
	if sender then
		skynet.send(sender, "lua", "push", address, msg, size)
	elseif text then
		drop_push(text, msg, size)
	else
		enqueue(node, { address, msg, size }, size)
	end
end

-- Opens a port for other nodes: a number on all addresses, or the name of a node whose configured
-- address is listened on. Returns the real address and port, or the name.
function cluster.open(port, max)
	local is_name = type(port) == "string"
	local host, real
	if is_name then
		host, real = skynet.call(clusterd, "lua", "listen", port, nil, max)
	else
		host, real = skynet.call(clusterd, "lua", "listen", "0.0.0.0", port, max)
	end
	if not host then
		error(real, 2)
	elseif is_name then
		return port
	end
	return host, real
end

-- Sets nodes from a table, or from the file of the config key `cluster` again.
function cluster.reload(config)
	skynet.call(clusterd, "lua", "reload", config)
end

local function ask_or_raise(command, ...)
	local ok, text = skynet.call(clusterd, "lua", command, ...)
	if not ok then
		error(string.format("cluster.%s failed: %s", command, text), 3)
	end
end

-- Looks for nodes that are not configured as a source says: see the config key `cluster_discovery`.
function cluster.discover(source)
	assert(type(source) == "string", "the source must be a string")
	ask_or_raise("discover", source)
end

-- Announces a node to the others through the discovery: `address` is the "host:port" on which it
-- has been opened. Raises when another node has that name; blocks for as long as that one may be
-- dead without anybody knowing.
function cluster.announce(node, address)
	assert(type(node) == "string", "the name of the node must be a string")
	assert(type(address) == "string" and string.find(address, "^%S+:%d+$"), "the address must be \"host:port\"")
	ask_or_raise("announce", node, address)
end

-- Takes an announcement back.
function cluster.withdraw(node)
	ask_or_raise("withdraw", node)
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
	return results(node, request(skynet.call_limit(), node, 0, skynet.pack(name)))
end

-- Returns the local service that sends to a node, nil when it cannot be reached. Blocks meanwhile.
function cluster.get_sender(node)
	return (sender_of(node, 0))
end

skynet.init(function()
	clusterd = skynet.uniqueservice "clusterd"
end)

return cluster
