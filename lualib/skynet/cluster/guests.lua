-- Who may come in on the ports of clusterd: counts the connections of each listener. Each is a stranger
-- at first, which the service clusterdoor keeps, and gets an agent when it has shown that it is a
-- node. When a listener is full, the oldest stranger gives way to a new one; nodes stay. So
-- connections that nobody uses do not keep other nodes out, and cost no service.

local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local log = require "skynet.limited_log"()

local guests = {}

-- A guest is { listener =, number =, socket =, from = }: the number is its place among the strangers.

-- socket -> guest, agent -> guest
local strangers, nodes = {}, {}

-- Those that have been admitted and have no agent yet, from `first` to `last`.
local queue, first, last = {}, 1, 0

local door

function guests.listener(max)
	door = door or skynet.uniqueservice "clusterdoor"
	-- `strangers`: number -> guest, from `oldest` to `youngest`.
	return { count = 0, max = max, strangers = {}, oldest = 1, youngest = 0 }
end

local function enter(listener, socket, from)
	local number = listener.youngest + 1
	local guest = { listener = listener, number = number, socket = socket, from = from }
	listener.youngest, listener.strangers[number] = number, guest
	listener.count = listener.count + 1
	strangers[socket] = guest
end

-- Returns the stranger with this socket, which is none from now on.
local function take(socket)
	local guest = strangers[socket]
	strangers[socket] = nil
	if guest then
		guest.listener.strangers[guest.number] = nil
	end
	return guest
end

local function gone(guest)
	guest.listener.count = guest.listener.count - 1
end

local function oldest_stranger(listener)
	while listener.oldest <= listener.youngest do
		local guest = listener.strangers[listener.oldest]
		if guest then
			return guest
		end
		listener.oldest = listener.oldest + 1
	end
end

-- A connection has been accepted.
function guests.arrive(listener, socket, from)
	if listener.count >= listener.max then
		local oldest = oldest_stranger(listener)
		if not oldest then
			log(string.format("cluster: refused %s, %d connections are open", from, listener.count))
			return driver.shutdown(socket)
		end
		log(string.format("cluster: %s has said nothing and gives way to %s", oldest.from, from))
		gone(take(oldest.socket))
		skynet.send(door, "lua", "leave", oldest.socket)
	end
	log("socket accept from " .. from)
	enter(listener, socket, from)
	skynet.send(door, "lua", "enter", socket, from)
end

-- A stranger's connection has ended.
function guests.stranger_gone(socket)
	local guest = take(socket)
	if guest then
		gone(guest)
	end
end

local function launch(guest)
	local ok, agent = pcall(skynet.newservice, "clusteragent", skynet.self(), door, guest.socket, guest.from)
	if ok and agent then
		nodes[agent] = guest
		skynet.send(agent, "lua", "start")
	else
		gone(guest)
		skynet.send(door, "lua", "leave", guest.socket)
	end
end

-- Launches agents as long as somebody waits for one.
local function serve_queue()
	while first <= last do
		launch(queue[first])
		-- The guest stays in its place until then, so nobody else serves the queue.
		queue[first] = nil
		first = first + 1
	end
	first, last = 1, 0
end

-- A stranger has shown that it is a node.
function guests.admit(socket)
	local guest = take(socket)
	if guest then
		last = last + 1
		queue[last] = guest
		if first == last then
			serve_queue()
		end
	end
end

-- The connection of an agent has ended.
function guests.agent_gone(agent)
	local guest = nodes[agent]
	nodes[agent] = nil
	if guest then
		gone(guest)
	end
end

-- Iterates over the agents.
function guests.agents()
	return next, nodes
end

local function count(set)
	local number = 0
	for _ in pairs(set) do
		number = number + 1
	end
	return number
end

-- Returns how many agents and strangers there are.
function guests.count()
	return count(nodes), count(strangers)
end

return guests
